// Pictures for the documentation, small enough to be kept beside it.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";

const most = 150_000; // bytes

/** shrink writes a screenshot with as few colours as it takes. */
export async function shrink(png, path) {
  const { default: sharp } = await import("sharp"); // Next.js brings it
  const small = await sharp(png).png({ palette: true, colours: 128, effort: 10 }).toBuffer();
  assert.ok(small.length <= most, `${path}: ${small.length} bytes are more than ${most}`);
  writeFileSync(path, small);
}
