const at = (id) => document.getElementById(id);
const percent = (x) => (Number.isFinite(x) ? `${(100 * x).toFixed(0)} %` : "–");
const count = (x) => (Number.isFinite(x) ? x.toLocaleString("en") : "–");
const list = (x) => (Array.isArray(x) ? x : []);
let timer;

function show(status) {
  at("version").textContent = status.version ?? "";
  at("warnings").replaceChildren(...list(status.warnings).map((text) => Object.assign(document.createElement("li"), { textContent: text })));
  const phases = Object.entries(status.phases ?? {}).filter(([, n]) => n > 0);
  at("phases").textContent = phases.length ? `Models: ${phases.map(([name, n]) => `${n} ${name}`).join(", ")}` : "No models yet.";
  at("endpoints").replaceChildren(...list(status.endpoints).map((e) => {
    const pairs = e.pairs ?? e.counters ?? {};
    const model = e.model ? `v${e.model.version} ${e.model.phase ?? ""}` : "–";
    const row = document.createElement("tr");
    [e.name, e.phase || "–", model, percent(e.slmShare), `${count(pairs.train)}, ${count(pairs.eval)}`, e.bypass || status.bypass ? "on" : "off"].forEach((text, i) => {
      const cell = document.createElement(i ? "td" : "th");
      if (!i) cell.scope = "row";
      cell.textContent = text ?? "–";
      row.append(cell);
    });
    return row;
  }));
  at("replicas").textContent = `Replicas: ${Array.isArray(status.replicas) ? status.replicas.length : status.replicas ?? "–"}`;
}

function signedIn(yes) {
  at("sign-in").hidden = yes;
  at("out").hidden = !yes;
  at("status").hidden = !yes;
}

function say(text, bad) {
  if (at("message").textContent !== text) at("message").textContent = text;
  at("message").classList.toggle("bad", bad);
}

async function refresh(first) {
  clearTimeout(timer);
  try {
    const res = await fetch("/api/v1/status");
    if (res.status === 401 || res.status === 403) {
      signedIn(false);
      say(first ? "" : "The backend does not know this key.", true);
      return;
    }
    const body = await res.json();
    if (!res.ok) throw new Error(body.detail ?? res.statusText);
    show(body);
    signedIn(true);
    say("", false);
  } catch (err) {
    say(`No status: ${err.message}`, true);
  }
  timer = setTimeout(refresh, 3000);
}

at("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const res = await fetch("/session", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ key: at("key").value }) });
  at("key").value = "";
  if (res.ok) return refresh();
  say((await res.json()).detail, true);
});
at("out").addEventListener("click", async () => {
  clearTimeout(timer);
  await fetch("/session", { method: "DELETE" });
  signedIn(false);
});
refresh(true);
