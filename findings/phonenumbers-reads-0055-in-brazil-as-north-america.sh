#!/usr/bin/env bash
# phonenumbers 9.0.43 (PyPI, the Python port of Google's libphonenumber), libphonenumber-js 1.13.16 (npm).
#
# Common guess: "00" and the country code is an international number in every country whose prefix abroad is 00.
# Seen: in Brazil 00 is followed by the two digits of a carrier, and 55, the code of Brazil, is one, too. With
# region BR both libraries take "0055" away as the prefix of a call abroad by carrier 55: what is left begins
# with São Paulo's 11, and the Brazilian number becomes +1 199 999 0000, which both call possible. With "+55",
# or with another region than BR, the same digits are read as meant.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check phonenumbers==9.0.43 2> /dev/null
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts libphonenumber-js@1.13.16

cat > texts.json <<'JSON'
[["+55 11 99999-0000", "BR"], ["0055 11 99999-0000", "DE"], ["0055 11 99999-0000", "BR"]]
JSON
cat > see.py <<'PY'
import json
import phonenumbers as p
for text, region in json.load(open("texts.json")):
    number = p.parse(text, region)
    possible = "possible" if p.is_possible_number(number) else "impossible"
    print(p.format_number(number, p.PhoneNumberFormat.E164), possible)
PY
cat > see.cjs <<'JS'
const parse = require('libphonenumber-js').parsePhoneNumberFromString;
for (const [text, region] of require('./texts.json')) {
  const read = parse(text, region);
  console.log(read.number, read.isPossible() ? 'possible' : 'impossible');
}
JS
venv/bin/python see.py > python.txt
node see.cjs > js.txt
echo "phonenumbers 9.0.43:" && cat python.txt && echo "libphonenumber-js 1.13.16:" && cat js.txt
cat > expected.txt <<'TXT'
+5511999990000 possible
+5511999990000 possible
+11999990000 possible
TXT
diff expected.txt python.txt && diff expected.txt js.txt || { echo "this changed: the finding no longer holds" >&2; exit 1; }
