/** A run of text that both have, or that only one has. */
export interface Part {
  text: string;
  own: boolean;
}

const mostSteps = 2_000; // differences that are followed one by one
const words = (text: string) => text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];

/**
 * diff marks in each of two texts what the other does not have, word by word
 * (Myers). Texts that hardly have anything in common are marked whole.
 */
export function diff(left: string, right: string): { left: Part[]; right: Part[] } {
  const a = words(left);
  const b = words(right);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const same = common(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  const ownOf = (list: string[], kept: Set<number>) => parts(list, (i) => i >= head && i < list.length - tail && !kept.has(i - head));
  return { left: ownOf(a, same.a), right: ownOf(b, same.b) };
}

function parts(list: string[], own: (i: number) => boolean): Part[] {
  const out: Part[] = [];
  list.forEach((text, i) => {
    const last = out.at(-1);
    if (last && last.own === own(i)) last.text += text;
    else out.push({ text, own: own(i) });
  });
  return out;
}

/** common returns which words of each belong to a longest common subsequence. */
function common(a: string[], b: string[]): { a: Set<number>; b: Set<number> } {
  const kept = { a: new Set<number>(), b: new Set<number>() };
  const trace: Int32Array[] = [];
  const most = Math.min(a.length + b.length, mostSteps);
  const offset = most + 1;
  const reach = new Int32Array(2 * most + 3);
  for (let d = 0; d <= most; d++) {
    trace.push(reach.slice(offset - d - 1, offset + d + 2));
    for (let k = -d; k <= d; k += 2) {
      let x = k === -d || (k !== d && reach[offset + k - 1]! < reach[offset + k + 1]!) ? reach[offset + k + 1]! : reach[offset + k - 1]! + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      reach[offset + k] = x;
      if (x >= a.length && x - k >= b.length) {
        walkBack(trace, a.length, b.length, kept);
        return kept;
      }
    }
  }
  return kept;
}

function walkBack(trace: Int32Array[], x: number, y: number, kept: { a: Set<number>; b: Set<number> }) {
  for (let d = trace.length - 1; d >= 0; d--) {
    const at = (k: number) => trace[d]![k + d + 1]!;
    const k = x - y;
    const before = k === -d || (k !== d && at(k - 1) < at(k + 1)) ? k + 1 : k - 1;
    const fromX = d === 0 ? 0 : at(before);
    const fromY = d === 0 ? 0 : fromX - before;
    while (x > fromX && y > fromY) {
      kept.a.add(--x);
      kept.b.add(--y);
    }
    x = fromX;
    y = fromY;
  }
}
