// Judges requests to Fusion with Zod: node zod.mjs PACKAGE < requests. PACKAGE is the folder of a Zod, 3 or 4.
//
// The schema says what Fusion's reference says, in its June and July revisions; both are closed, so that a key
// that Fusion doesn't know is a refusal. Prints the refusals as JSON: [[index, issues], …].
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { z } = createRequire(join(process.argv[2], "index.js"))(process.argv[2]);

const digits = (text) => text.replace(/\D/g, "").length;
const phone = (text) =>
  text.regex(/^[+0-9 ()-]+$/).refine((number) => digits(number) >= 10 && digits(number) <= 15);
const june = {
  name: z.string().min(2).max(100),
  phone: phone(z.string()),
  email: z.string().email().optional(),
  company: z.string().max(100).optional(),
  tags: z.array(z.string()).max(20).optional(),
  campaign_id: z.string().uuid().optional(),
};
const july = {
  ...june,
  phone: phone(z.string().min(10).max(25)),
  email: z.string().email().max(254).optional(),
  tags: z.array(z.string().regex(/^[a-zA-Z0-9_-]{1,50}$/)).max(20).optional(),
  custom_fields: z
    .record(z.string().regex(/^[a-zA-Z0-9_-]+$/), z.union([z.string().max(1000), z.number(), z.boolean(), z.null()]))
    .refine((fields) => Object.keys(fields).length <= 20)
    .optional(),
};
const kind = z.enum(["call", "sms"]).optional();
const requests = (lead) => ({
  create: z.object({ ...lead, kind }).strict(),
  batch: z.object({ leads: z.array(z.object(lead).strict()).min(1).max(100), kind }).strict(),
  update: z
    .object({ ...lead, name: lead.name.optional() })
    .strict()
    .refine((body) => Object.keys(body).some((key) => key !== "phone" && key !== "campaign_id")),
});
const schemas = { june: requests(june), july: requests(july) };

const refused = [];
readFileSync(0, "utf8").split("\n").filter(Boolean).forEach((line, index) => {
  const { revision, plan, body } = JSON.parse(line);
  const result = schemas[revision][plan].safeParse(JSON.parse(body));
  if (!result.success) refused.push([index, JSON.stringify(result.error.issues.slice(0, 3)).slice(0, 500)]);
});
console.log(JSON.stringify(refused));
