# Two stages: the first builds a virtual environment, the second takes it over and holds no build tool.
# The base can be any image with python3 >= 3.11 and its venv module: --build-arg PYTHON_IMAGE=...
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src

# The packages change seldom and the program often: they get a layer of their own.
COPY deploy/requirements.txt deploy/requirements-build.txt deploy/
RUN python3 -m venv /build \
 && /build/bin/pip install --require-hashes -r deploy/requirements-build.txt \
 && python3 -m venv --without-pip /opt/bridge \
 && /build/bin/pip --python /opt/bridge install --no-compile --no-deps --require-hashes -r deploy/requirements.txt

COPY pyproject.toml README.md LICENSE ./
COPY bridge bridge
RUN /build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
 && /build/bin/pip --python /opt/bridge install --no-compile --no-deps --no-index /wheel/*.whl

# Kept small: phonenumbers' tables of places, carriers and time zones are never imported (22 MB), Babel keeps the
# languages in which countries are read (30 MB less), and some packages come with debug symbols (16 MB). Bytecode is
# made once, here, because nothing can be written later; it is checked by no clock, since files in an image never
# change. Of the hundreds of Pygments lexers the bridge meets two: they do without.
RUN rm -r /opt/bridge/lib/python3*/site-packages/phonenumbers/carrierdata \
          /opt/bridge/lib/python3*/site-packages/phonenumbers/geodata \
          /opt/bridge/lib/python3*/site-packages/phonenumbers/tzdata \
 && find /opt/bridge/lib/python3*/site-packages/babel/locale-data -name '*.dat' \
      | grep -vE '/(root|en|es|pt|fr|de|it|nl|pl|sv|da|no|fi|tr|ru|uk|ja|zh)\.dat$' | xargs rm \
 && { command -v strip > /dev/null \
      || { apt-get -q update && apt-get -q install --yes --no-install-recommends binutils; }; } \
 && find /opt/bridge/lib -name '*.so' -exec strip --strip-unneeded {} + \
 && /opt/bridge/bin/python -m compileall -q -x 'pygments/(lexers|styles)/[a-z]' \
      --invalidation-mode unchecked-hash /opt/bridge/lib


FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="ghl-fusion-bridge" \
      org.opencontainers.image.description="The bridge between GoHighLevel and Fusion Calling" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# The official images come without bytecode for the standard library: left so, every start and every health check
# would compile it anew. Where the base has it already this adds nothing.
RUN python3 -m compileall -q \
      -x '/(_pyrepl|curses|dbm|ensurepip|idlelib|lib2to3|multiprocessing|pydoc_data|site-packages|test|tkinter|turtledemo|unittest|wsgiref|xml|xmlrpc)/' \
      "$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
 && groupadd --gid 10001 bridge \
 && useradd --uid 10001 --gid 10001 --no-log-init --no-create-home --home-dir /data --shell /usr/sbin/nologin bridge \
 && install -d -o 10001 -g 10001 -m 0750 /data \
 && install -d -m 0755 /etc/bridge
COPY --from=build /opt/bridge /opt/bridge

ENV PATH="/opt/bridge/bin:${PATH}" \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BRIDGE_CONFIG=/etc/bridge/config.yaml

WORKDIR /data
VOLUME /data
EXPOSE 8080
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
  CMD ["python3", "-I", "-c", "from http.client import HTTPConnection as C; c = C('127.0.0.1', 8080, timeout=4); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["bridge"]
CMD ["serve"]
