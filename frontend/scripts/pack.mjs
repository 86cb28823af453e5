// Moves the export to where the Go program embeds it, packed beside the plain files.
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const from = "out";
const to = "cmd/frontend/dashboard";
const packable = /\.(html|js|css|txt|svg|json)$/;

for (const name of readdirSync(to)) if (name !== ".gitignore") rmSync(join(to, name), { recursive: true });
cpSync(from, to, { recursive: true });
let files = 0;
for (const entry of readdirSync(to, { recursive: true })) {
  const path = join(to, entry);
  if (!statSync(path).isFile() || !packable.test(path)) continue;
  const body = readFileSync(path);
  if (body.length < 1024) continue;
  writeFileSync(`${path}.br`, brotliCompressSync(body, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
  writeFileSync(`${path}.gz`, gzipSync(body, { level: 9 }));
  files++;
}
console.log(`dashboard: ${files} files packed into ${to}`);
