#!/usr/bin/env bash
# zod 3.24.4 and 4.1.12 (npm), email-validator 2.3.0 (PyPI), Node 20, Python 3.11.
#
# Common guess: an address that a careful validator of mail takes, a server's z.string().email() takes, too.
# Seen: Zod's pattern knows no & / = ! before the @, and no top-level domain in punycode, which is how a domain of
# .рф or .中国 is written in ASCII: six valid addresses pass email-validator and are refused by both Zods, with
# the whole object around them. The apostrophe of o'neil@ passes everywhere (Zod 3.22 refused that one as well).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts zod322@npm:zod@3.22.4 zod3@npm:zod@3.24.4 zod4@npm:zod@4.1.12
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check email-validator==2.3.0

cat > addresses.json <<'JSON'
["ann@example.com", "o'neil@example.com", "smith&sons@example.com", "ann/sales@example.com", "ann=lee@example.com",
 "ann!@example.com", "ann@xn--e1afmkfd.xn--p1ai", "ann@xn--fsqu00a.xn--fiqs8s"]
JSON
cat > zod.cjs <<'JS'
const addresses = JSON.parse(require('fs').readFileSync('addresses.json'));
const judged = (z) => addresses.map((each) => (z.string().email().safeParse(each).success ? 1 : 0)).join('');
console.log(['zod322', 'zod3', 'zod4'].map((name) => judged(require(name).z)).join(' '));
JS
cat > mail.py <<'PY'
import json
from email_validator import EmailNotValidError, validate_email
def takes(address):
    try:
        return validate_email(address, check_deliverability=False) is not None
    except EmailNotValidError:
        return False
print("".join(str(int(takes(each))) for each in json.load(open("addresses.json"))))
PY
seen="$(venv/bin/python mail.py) $(node zod.cjs)"
cat addresses.json
echo "email-validator 2.3.0, zod 3.22.4, 3.24.4, 4.1.12 (1: taken): $seen"
[ "$seen" = "11111111 10000000 11000000 11000000" ] || { echo "this changed: the finding no longer holds" >&2; exit 1; }
