#!/usr/bin/env bash
# phonenumbers 9.0.43 (PyPI, the Python port of Google's libphonenumber), beside libphonenumber-js 1.13.16 (npm).
#
# Common guess: words behind a number are no part of it, as they are none for libphonenumber-js.
# Seen: three letters and more anywhere make the text a vanity number, and every letter becomes a digit. A name
# completes a local number to one that `is_possible_number` accepts: "555-0142 Ann" is +1 555 014 2266, and
# "0491 570 156 (Max)" gets three digits more. Whoever filters by "possible" dials a number that nobody wrote.
# With "home", "fax" or "(Mother)" a whole number gets too long and is lost. libphonenumber-js drops the words,
# but then "1-800-555-CALL" is no number for it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check phonenumbers==9.0.43 2> /dev/null
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts libphonenumber-js@1.13.16

cat > texts.json <<'JSON'
[["555-0142 Ann", "US"], ["0491 570 156 (Max)", "AU"], ["202-555-0142 fax", "US"], ["202-555-0142 home", "US"],
 ["1-800-555-CALL", "US"]]
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
cat > expected-python.txt <<'TXT'
+15550142266 possible
+61491570156629 possible
+12025550142329 impossible
+120255501424663 impossible
+18005552255 possible
TXT
cat > expected-js.txt <<'TXT'
+15550142 impossible
+61491570156 possible
+12025550142 possible
+12025550142 possible
+11800555 impossible
TXT
diff expected-python.txt python.txt && diff expected-js.txt js.txt || { echo "this changed: the finding no longer holds" >&2; exit 1; }
