#!/usr/bin/env bash
# zod 4.1.12 and ajv 8.17.1 (npm), pydantic 2.11.7 (PyPI), Node 20, Python 3.11.
#
# Common guess: "2 to 100 characters" means the same to every validator of JSON.
# Seen: Zod counts UTF-16 units, ajv and pydantic count code points. One emoji is long enough for Zod and too
# short for the other two; 60 of them are too long for Zod and fine for the others. A flag is one sign to the
# eye and passes as two everywhere. Only 2 code points at least and 100 units at most pass all three.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts zod@4.1.12 ajv@8.17.1
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pydantic==2.11.7

cat > node.cjs <<'JS'
const { z } = require('zod');
const Ajv = require('ajv').default;
const names = ['Jo', '\u{1F600}', '\u{1F600}'.repeat(50), '\u{1F600}'.repeat(60), '\u{1F1FA}\u{1F1F8}'];
const ajv = new Ajv().compile({ type: 'string', minLength: 2, maxLength: 100 });
const zod = z.string().min(2).max(100);
const bits = (judge) => names.map((name) => (judge(name) ? 1 : 0)).join('');
console.log(bits((name) => zod.safeParse(name).success), bits((name) => ajv(name)));
JS
cat > point.py <<'PY'
from typing import Annotated
from pydantic import StringConstraints, TypeAdapter, ValidationError
name = TypeAdapter(Annotated[str, StringConstraints(min_length=2, max_length=100)])
def takes(text):
    try:
        return bool(name.validate_python(text))
    except ValidationError:
        return False
smile = "\U0001f600"
print("".join(str(int(takes(each))) for each in ["Jo", smile, smile * 50, smile * 60, "\U0001f1fa\U0001f1f8"]))
PY
seen="$(node node.cjs) $(venv/bin/python point.py)"
echo "Jo, 1 emoji, 50, 60, a flag: zod ajv pydantic = $seen (1: taken)"
[ "$seen" = "11101 10111 10111" ] || { echo "this changed: the finding no longer holds" >&2; exit 1; }
