#!/usr/bin/env bash
# @gohighlevel/api-client 3.1.0 (npm, GoHighLevel's official Node SDK), Node 20.
#
# Common guess: `webhooks.subscribe()` behind Express' usual JSON parser tells good signatures from bad ones.
# Seen: without a raw body at hand it verifies JSON.stringify(req.body), and not the bytes that were signed. What
# a parser reads and writes differently makes a genuine delivery `isSignatureValid: false`: an amount of 120.0,
# an escaped letter, a blank behind a colon. A compact body of plain texts passes, so a first test looks right.
# With the raw bytes (`rawBody`) all of them pass. Nothing is thrown, and the request goes on either way.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @gohighlevel/api-client@3.1.0

cat > see.cjs <<'JS'
const crypto = require('crypto');
const { WebhookManager } = require('@gohighlevel/api-client/dist/lib/webhook');
const { version } = require('@gohighlevel/api-client/package.json');

const { publicKey, privateKey } = crypto.generateKeyPairSync('ed25519');
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const appId = '65f0c0ffee0000000000c0de';
const options = { clientId: `${appId}-x1`, publicKey: publicKey.export({ type: 'spki', format: 'pem' }) };
const manager = new WebhookManager(quiet, {}, {}, options);

async function judged(bytes, raw) {
  const signature = crypto.sign(null, Buffer.from(bytes), privateKey).toString('base64');
  const request = { method: 'POST', url: '/', headers: { 'x-ghl-signature': signature }, body: JSON.parse(bytes) };
  if (raw) request.rawBody = Buffer.from(bytes);
  await new Promise((next) => manager.subscribe()(request, {}, next));
  return request.isSignatureValid;
}

(async () => {
  const head = `{"type":"ContactCreate","appId":"${appId}","id":"c1"`;
  const bodies = {
    'plain texts, compact': `${head},"firstName":"Ann","phone":"+12025550101"}`,
    'an amount of 120.0': `${head},"customFields":[{"id":"f1","value":120.0}]}`,
    'an escaped letter': `${head},"firstName":"Jos\\u00e9"}`,
    'a blank behind a colon': `${head},"firstName": "Ann"}`,
  };
  console.log(`@gohighlevel/api-client ${version}, Node ${process.version}`);
  const seen = [];
  for (const [name, bytes] of Object.entries(bodies)) {
    const [parsed, raw] = [await judged(bytes, false), await judged(bytes, true)];
    seen.push(`${parsed}/${raw}`);
    console.log(`${name.padEnd(24)} parsed body: ${String(parsed).padEnd(6)} raw body: ${raw}`);
  }
  if (seen.join(' ') !== 'true/true false/true false/true false/true') {
    console.error('this changed: the finding no longer holds');
    process.exit(1);
  }
})();
JS
node see.cjs
