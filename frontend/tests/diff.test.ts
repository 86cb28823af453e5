import { describe, expect, it } from "vitest";
import { diff, type Part } from "../lib/diff";

const text = (parts: Part[]) => parts.map((p) => p.text).join("");
const own = (parts: Part[]) => parts.filter((p) => p.own).map((p) => p.text);

describe("diff", () => {
  it.each([
    ["the same texts", "noted", "noted", [], []],
    ["a word replaced", "the parcel is late today", "the parcel is lost today", ["late"], ["lost"]],
    ["a word added", "a c", "a b c", [], ["b "]],
    ["one empty", "", "all of it", [], ["all of it"]],
    ["nothing in common", "x", "y", ["x"], ["y"]],
    ["two places", "a b c d e", "a x c d y", ["b", "e"], ["x", "y"]],
  ])("marks %s", (_name, left, right, ownLeft, ownRight) => {
    const d = diff(left, right);
    expect(own(d.left)).toEqual(ownLeft);
    expect(own(d.right)).toEqual(ownRight);
  });

  it("loses no character, whatever the texts", () => {
    let seed = 7;
    const random = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
    const make = () => Array.from({ length: random(40) }, () => ["a", "b", " ", "é", "\n", "."][random(6)]).join("");
    for (let i = 0; i < 500; i++) {
      const [left, right] = [make(), make()];
      const d = diff(left, right);
      expect(text(d.left)).toBe(left);
      expect(text(d.right)).toBe(right);
      const common = (parts: Part[]) => parts.filter((p) => !p.own).map((p) => p.text).join("");
      expect(common(d.left)).toBe(common(d.right));
    }
  });

  it("is done at once with long texts that have nothing in common", () => {
    const long = (word: string) => Array.from({ length: 8_000 }, (_, i) => word + i).join(" ");
    const before = performance.now();
    const d = diff(long("x"), long("y"));
    expect(performance.now() - before).toBeLessThan(2_000);
    expect(text(d.right)).toBe(long("y"));
  });
});
