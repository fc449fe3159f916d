#!/usr/bin/env bash
# phonenumbers 9.0.43 (PyPI, the Python port of Google's libphonenumber), libphonenumber-js 1.13.16 (npm).
#
# Common guess: with the right country given, a full international number that lacks only its plus is read as
# itself; and what is read wrongly is at least not valid.
# Seen: "491713920012" with region DE is read as national, though no German writes a national number without its
# zero: +49 4917 1392 0012 instead of +49 171 3920012, and both libraries call that valid. It is the same with other
# German mobiles. With GB or FR, whose numbers have fixed lengths, the same spelling is read as itself. Nothing
# but the missing zero shows it. (0171 39200xx is kept by Germany's regulator for fiction.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check phonenumbers==9.0.43 2> /dev/null
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts libphonenumber-js@1.13.16

cat > texts.json <<'JSON'
[["+491713920012", "DE"], ["491713920012", "DE"], ["442079460958", "GB"], ["33199001234", "FR"]]
JSON
cat > see.py <<'PY'
import json
import phonenumbers as p
for text, region in json.load(open("texts.json")):
    number = p.parse(text, region)
    valid = "valid" if p.is_valid_number(number) else "invalid"
    print(p.format_number(number, p.PhoneNumberFormat.E164), valid)
PY
cat > see.cjs <<'JS'
const parse = require('libphonenumber-js/max').parsePhoneNumberFromString;
for (const [text, region] of require('./texts.json')) {
  const read = parse(text, region);
  console.log(read.number, read.isValid() ? 'valid' : 'invalid');
}
JS
venv/bin/python see.py > python.txt
node see.cjs > js.txt
echo "phonenumbers 9.0.43:" && cat python.txt && echo "libphonenumber-js 1.13.16:" && cat js.txt
cat > expected.txt <<'TXT'
+491713920012 valid
+49491713920012 valid
+442079460958 valid
+33199001234 valid
TXT
diff expected.txt python.txt && diff expected.txt js.txt || { echo "this changed: the finding no longer holds" >&2; exit 1; }
