// The platform's own interfaces, as an application and a test see them.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { createInterface } from "node:readline";

/** api asks the management API. */
export async function api({ backend, admin }, method, path, body) {
  const res = await fetch(`${backend}/api/v1${path}`, { method, headers: { Authorization: `Bearer ${admin}`, "Content-Type": "application/json", Accept: "application/json" }, body: body && JSON.stringify(body) });
  const text = await res.text();
  assert.ok(res.ok, `${method} ${path}: ${res.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

/** ask sends requests as an application does, a few at a time, and returns who answered each. */
export async function ask({ backend }, key, requests, atOnce = 6) {
  const sources = [];
  const rest = [...requests];
  const one = async () => {
    for (let messages = rest.shift(); messages; messages = rest.shift()) {
      const res = await fetch(`${backend}/v1/chat/completions`, { method: "POST", headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" }, body: JSON.stringify({ model: "any", messages, temperature: 0, user: "shopper" }) });
      assert.equal(res.status, 200, await res.clone().text());
      await res.json();
      sources.push(res.headers.get("x-understudy-source"));
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
  return sources;
}

/** trickle asks one request after the other, some a second and not for ever, until it is stopped. */
export function trickle(platform, key, requests, most) {
  let on = true;
  let wake;
  const asking = (async () => {
    for (let i = 0; on && i < most; i++) {
      await ask(platform, key, [requests[(7 * i) % requests.length]]);
      await new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, 600);
      });
    }
  })();
  asking.catch(() => {}); // stop tells it
  return {
    stop: () => {
      on = false;
      wake?.();
      return asking;
    },
  };
}

/** frontend starts another server of the dashboard. */
export async function frontend(program, backend) {
  // It ends itself when the pipe of its parent does.
  const child = spawn(program, { env: { ...process.env, LISTEN_ADDR: "127.0.0.1:0", BACKEND_URL: backend, UNDERSTUDY_PARENT_FD: "3" }, stdio: ["ignore", "ignore", "pipe", "pipe"] });
  for await (const line of createInterface(child.stderr)) {
    const address = line.match(/address=(\S+)/)?.[1];
    if (address)
      return {
        address: `http://${address}`,
        end: async () => {
          child.kill("SIGTERM");
          const [code] = await once(child, "exit");
          assert.equal(code, 0, "the frontend did not end cleanly");
        },
      };
  }
  assert.fail("the frontend did not start");
}

/** road leads to a port and can be closed and opened, as when a backend is down for a while. */
export async function road(to) {
  const open = new Set();
  const server = createServer((near) => {
    const far = connect(Number(new URL(to).port), "127.0.0.1");
    for (const [a, b] of [[near, far], [far, near]]) {
      open.add(a);
      a.pipe(b);
      a.on("error", () => b.destroy());
      a.on("close", () => (b.destroy(), open.delete(a)));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  return {
    address: `http://127.0.0.1:${port}`,
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
    reopen: async () => {
      server.listen(port, "127.0.0.1");
      await once(server, "listening");
    },
  };
}
