// The dashboard in a real browser, on a real platform that learns meanwhile: see ci/ui.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { check, narrow, open, signIn, start, until, wide } from "./browser.mjs";
import { api, ask, frontend, road, trickle } from "./platform.mjs";
import { shrink } from "./shrink.mjs";

const { played, empty, program, chromium, pictures, documentation, requests, unlearnable } = JSON.parse(readFileSync(process.env.SETTINGS, "utf8"));
const name = "triage";
const archive = "archive";
const moods = "moods";
let browser, page, key, applications;

before(async () => {
  mkdirSync(pictures, { recursive: true });
  browser = await start(chromium);
});
after(async () => {
  await applications?.stop().catch(() => {}); // said by the step that awaits them
  await browser?.close();
});

// Each step goes on where the one before it ended.
let broken = false;
const step = (what, ...rest) =>
  test(what, { timeout: 300_000, ...(rest.length > 1 && rest[0]) }, async (t) => {
    const does = rest.at(-1);
    if (broken) return t.skip("an earlier step failed");
    try {
      await does(t);
    } catch (err) {
      broken = true;
      await picture(page, "failed").catch(() => {});
      throw err;
    }
  });

const picture = (of, called) => of.screenshot({ path: join(pictures, `${called}.png`), animations: "disabled" });
const status = () => api(played, "GET", "/status");
const modelOf = async (of) => (await status()).endpoints.find((e) => e.name === of).model;

/** press clicks a button and says yes to what it asks. */
async function press(of, name, yes) {
  await of.getByRole("button", { name, exact: true }).click();
  await of.getByRole("dialog").getByRole("button", { name: yes, exact: true }).click();
  await of.getByRole("dialog").waitFor({ state: "hidden" });
}
const clean = (of) => assert.deepEqual(of.errors.splice(0), [], "the console");

step("a wrong key is refused where it is typed", async () => {
  page = await open(browser, played.frontend);
  await page.getByLabel("Admin key").waitFor();
  clean(page);
  await check(page, "sign in");
  await page.getByLabel("Admin key").fill("ua-wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").filter({ hasText: "The backend does not know this key" }).waitFor();
  await picture(page, "wrong-key");
  page.errors.length = 0; // the browser reports the refusal
  await signIn(page, played.admin);
});

step("an empty platform says what to do first", async () => {
  for (const [viewport, size] of [[wide, "wide"], [narrow, "narrow"]]) {
    const first = await open(browser, empty.frontend, { viewport });
    await signIn(first, empty.admin);
    await first.getByRole("link", { name: "Create the first endpoint" }).waitFor();
    for (const path of ["/", "/savings", "/activity", "/keys", "/new", "/nowhere"]) {
      if (path !== "/") await first.goto(empty.frontend + path);
      await first.getByRole("heading", { level: path === "/nowhere" ? 3 : 1 }).first().waitFor();
      await settled(first);
      await check(first, `empty ${path}`);
    }
    await first.goto(empty.frontend);
    await first.getByRole("link", { name: "Create the first endpoint" }).waitFor();
    await picture(first, `empty-${size}`);
    first.errors = first.errors.filter((text) => !text.includes("/nowhere")); // that it is not there is a 404
    clean(first);
    await first.context().close();
  }
});

step("an endpoint is made in the page, which shows the code to paste", async () => {
  await page.getByRole("link", { name: "Create the first endpoint" }).click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("The LLM’s model").fill("replay-teacher");
  await page.getByLabel("Pairs that start a training").fill("20000");
  await page.getByLabel("Requests in the exam, at least").fill("40");
  await page.getByLabel("Threshold").fill("0.6");
  await page.getByRole("switch", { name: "Deploy by itself" }).click();
  await picture(page, "new-wide");
  await page.getByRole("button", { name: "Create endpoint" }).click();
  const code = page.getByLabel("Code in Python", { exact: true });
  await code.waitFor();
  key = (await code.textContent()).match(/api_key="(uk-[^"]+)"/)[1];
  for (const language of ["curl", "JavaScript", "Python"]) {
    await page.getByRole("tab", { name: language }).click();
    const text = await page.getByLabel(`Code in ${language}`, { exact: true }).textContent();
    assert.ok(text.includes(key) && text.includes(played.backend), text);
  }
  await check(page, "made");
  await picture(page, "made-wide");
  const made = await api(played, "GET", `/endpoints/${name}`);
  assert.deepEqual([made.upstreamModel, made.threshold, made.minEvalPairs, made.autoDeploy], ["replay-teacher", 0.6, 40, false]);
  // A short training; and patience, since the pages are looked at here and not how fast a busy machine answers.
  await api(played, "PATCH", `/endpoints/${name}`, { teacherShare: 0.2, scaleToZeroAfterSeconds: 0, slmFirstTokenTimeoutSeconds: 20, slmTotalTimeoutSeconds: 60, hyperparameters: { maxSteps: 24, batchSize: 8, validationFraction: 0.1 } });
  clean(page);
});

step("requests show up as they come in", async () => {
  await page.getByRole("link", { name: "Watch requests come in" }).click();
  await page.getByText("Requests appear here as they come in.").waitFor();
  await page.evaluate(() => (window.notReloaded = true));
  const sources = await ask(played, key, requests, 12);
  assert.deepEqual([...new Set(sources)], ["llm"]);
  await until("the tail shows them", async () => (await page.getByRole("list", { name: "Newest requests" }).getByRole("listitem").count()) >= 10);
});

step("phases change without a reload, and are the API's; training moves; the stage is taken with a click", async (t) => {
  const seen = await watchPhases(page);
  const watched = watchAPI();
  t.after(watched.end);
  await page.getByRole("button", { name: "Train now" }).click();

  const steps = await open(browser, `${played.frontend}/endpoint?name=${name}&tab=models`);
  await signIn(steps, played.admin);
  const moved = new Set();
  let looked = false;
  await until(
    "the model is available",
    async () => {
      const shown = steps.locator("[data-training-step]");
      if (await shown.count()) moved.add(Number(await shown.first().getAttribute("data-training-step", { timeout: 1000 }).catch(() => 0)));
      if (!looked && moved.size > 4) {
        looked = true;
        await picture(steps, "training-wide");
        await picture(page, "endpoint-training-wide");
        await check(steps, "training");
        const diary = await open(browser, `${played.frontend}/activity`);
        await signIn(diary, played.admin);
        await diary.getByRole("list", { name: "Under way" }).getByText(`${name}-v1`).waitFor();
        await diary.getByRole("list", { name: "Events" }).waitFor();
        assert.doesNotMatch(await diary.getByRole("list", { name: "Events" }).textContent(), /progress/);
        await check(diary, "activity, while something is under way");
        await picture(diary, "activity-training-wide");
        clean(diary);
        await diary.context().close();
      }
      const { endpoints } = await status();
      assert.notEqual(endpoints[0].phase, "failed", endpoints[0].model?.reason);
      return endpoints[0].phase === "available";
    },
    240_000,
  );
  moved.delete(0);
  assert.ok(moved.size >= 3, `training was seen at the steps ${[...moved]}`);

  await steps.locator("[data-evaluation]").waitFor();
  const model = (await status()).endpoints[0].model;
  const [evaluation] = (await api(played, "GET", `/models/${model.id}/evaluations`)).items;
  assert.equal(evaluation.verdict, "passed", evaluation.words);
  const words = await steps.locator("[data-words]").textContent();
  assert.equal(words.toLowerCase(), evaluation.words.toLowerCase());
  assert.ok(evaluation.identical > 0 && evaluation.close > 0 && evaluation.different > 0, `there is nothing to compare: ${evaluation.words}`);
  const worst = steps.getByRole("list", { name: "Answers of the exam" }).getByRole("listitem").first();
  assert.ok((await worst.locator("mark").count()) > 0, "the worst answer shows no difference");
  await worst.scrollIntoViewIfNeeded();
  await picture(steps, "exam-answers-wide");
  await press(steps, `Deploy: ${name}-v1`, "Deploy");
  await until("the model is deployed", async () => (await status()).endpoints[0].phase === "deployed", 120_000);
  await steps.locator("h1 [data-phase=deployed]").waitFor();
  await page.locator("h1 [data-phase=deployed]").waitFor();
  clean(steps);
  await steps.context().close();

  const told = await watched.end();
  const { items } = await api(played, "GET", "/events?kind=model.phase&limit=100");
  compare(told, await seen(), ["", "training", ...items.reverse().map((e) => e.data.to)]);
  assert.ok(await page.evaluate(() => window.notReloaded), "the page was reloaded");
  clean(page);
});

step("the SLM's share rises", async () => {
  await page.goto(played.frontend);
  const share = page.locator(`[data-endpoint=${name}] [data-slm-share]`);
  assert.equal(await share.getAttribute("data-slm-share"), "0");
  const sources = await ask(played, key, requests.slice(0, 80), 2);
  const served = sources.filter((s) => s === "slm").length;
  assert.ok(served > 40, `the SLM answered ${served} of ${sources.length}`);
  const risen = served / (requests.length + sources.length);
  await until("the share shows", async () => Math.abs(Number(await share.getAttribute("data-slm-share")) - risen) < 0.01);
  clean(page);
  applications = trickle(played, key, requests, 400); // from here on applications ask now and then
});

step("what the backend refuses is said at the field; a training that failed says why and is tried again", async () => {
  await api(played, "POST", "/endpoints", { name: moods, upstream: "replay", upstreamModel: "replay-teacher", autoTrain: false, minEvalPairs: 20, provider: "runpod", hyperparameters: { maxSteps: 3, batchSize: 4 } });
  await page.goto(`${played.frontend}/endpoint?name=${moods}&tab=pairs`);
  await page.getByLabel("File of conversations").first().setInputFiles({ name: "moods.jsonl", mimeType: "application/jsonl", buffer: Buffer.from(unlearnable) });
  await page.getByText("200 pairs are imported").waitFor({ timeout: 60_000 });
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: "Train now" }).click();
  await page.locator("h1 [data-phase=failed]").waitFor();
  await page.getByRole("tab", { name: "Models" }).click();
  await page.getByText("RUNPOD_API_KEY is not set").first().waitFor();
  await check(page, "a failed training");
  await picture(page, "failed-wide");

  await page.getByRole("tab", { name: "Settings" }).click();
  await page.getByLabel("Where it is trained").selectOption("");
  await page.getByLabel("Epochs").fill("500");
  await page.getByLabel("Maximum cost (US dollars)").fill("1.5");
  await page.getByLabel("Time limit (minutes)").fill("20");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("alert").filter({ hasText: "Nothing is saved" }).waitFor();
  const epochs = page.getByLabel("Epochs");
  assert.equal(await epochs.getAttribute("aria-invalid"), "true");
  await page.getByText("Use 0 to 100", { exact: true }).waitFor();
  assert.ok(await epochs.evaluate((box) => box === document.activeElement), "the field is not where the keyboard is");
  await check(page, "settings refused");
  await picture(page, "settings-refused-wide");
  page.errors = page.errors.filter((text) => !text.includes("422")); // the browser reports the refusal
  await epochs.fill("2");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved; it is in force.").waitFor();
  const saved = await api(played, "GET", `/endpoints/${moods}`);
  assert.deepEqual([saved.provider ?? "", saved.maxCostUSD, saved.deadlineSeconds, saved.hyperparameters], ["", 1.5, 1200, { maxSteps: 3, batchSize: 4, epochs: 2 }]);

  await page.getByRole("tab", { name: "Models" }).click();
  await press(page, `Retry: ${moods}-v1`, "Retry");
  await until("it is tried again", async () => (await modelOf(moods)).phase !== "failed");
  clean(page);
});

step("both answers to a request, side by side", async () => {
  await page.goto(`${played.frontend}/endpoint?name=${name}&tab=compare`);
  const { id } = await modelOf(name);
  const [worst] = (await api(played, "GET", `/models/${id}/evaluations/1/answers?order=worst&limit=1`)).items;
  await page.getByLabel("Ask both").fill(worst.prompt);
  await page.getByRole("button", { name: "Ask both" }).click();
  await page.getByRole("region", { name: "Both answers" }).waitFor();
  await until("both answered", async () => (await page.getByRole("group", { name: "The SLM’s answer" }).textContent()) !== "" && (await page.getByRole("group", { name: "The LLM’s answer" }).textContent()) !== "");
  await check(page, "compare");
  await picture(page, "compare-wide");
  clean(page);
});

step("a model that the gate refused says in words why, and what would help", async () => {
  await until("the verdict is there", async () => (await modelOf(moods)).phase === "available", 240_000);
  const model = await modelOf(moods);
  assert.equal(model.verdict, "refused");
  await page.goto(`${played.frontend}/model?id=${model.id}`);
  const evaluation = page.locator("[data-evaluation=refused]");
  await evaluation.waitFor();
  const text = await evaluation.textContent();
  assert.ok(text.includes("does not reach the threshold of 0.85") && text.includes(model.reason), text);
  await page.getByRole("button", { name: `Deploy anyway: ${moods}-v1` }).click();
  await page.getByRole("dialog").getByText("The gate did not pass it").waitFor();
  await picture(page, "deploy-anyway-wide");
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  for (const section of ["How it learnt", "Record", "What happened"]) {
    const summary = page.locator("summary").filter({ hasText: section });
    await summary.focus();
    await page.keyboard.press("Enter");
    await until(`${section} is open`, () => summary.evaluate((s) => s.parentElement.open));
  }
  await page.getByRole("list", { name: "Events" }).waitFor();
  await settled(page);
  await check(page, "refused");
  await page.screenshot({ path: join(pictures, "refused-wide-whole.png"), fullPage: true });
  await picture(page, "refused-wide");
  await page.setViewportSize(narrow);
  await check(page, "refused, narrow");
  await picture(page, "refused-narrow");
  await page.setViewportSize(wide);
  await press(page, `Evaluate again: ${moods}-v1`, "Evaluate again");
  clean(page);
});

step("ten thousand pairs are imported in the page, searched and scrolled", async () => {
  await api(played, "POST", "/endpoints", { name: archive, upstream: "replay", upstreamModel: "replay-teacher", autoTrain: false });
  const line = (user, assistant) => JSON.stringify({ messages: [{ role: "user", content: user }, { role: "assistant", content: assistant }] });
  const lines = Array.from({ length: 9_999 }, (_, i) => line(`What is in box number ${i}?`, `Box ${i} holds ${requests[i % requests.length][1].content}`));
  lines.push(line("Tell me a long story", "Once upon a time there was a very long answer. ".repeat(1_100).slice(0, 50_000)));
  await page.goto(`${played.frontend}/endpoint?name=${archive}&tab=pairs`);
  await page.getByLabel("File of conversations").first().setInputFiles({ name: "archive.jsonl", mimeType: "application/jsonl", buffer: Buffer.from(lines.join("\n")) });
  await page.getByText("10,000 pairs are imported").waitFor({ timeout: 60_000 });
  await page.getByRole("button", { name: "Close" }).click();
  const list = page.getByRole("group", { name: "Pairs" });
  const began = Date.now();
  await until("all are scrolled through", async () => {
    await list.evaluate((frame) => (frame.scrollTop = frame.scrollHeight));
    return (await list.getAttribute("data-pairs")) === "10000";
  }, 60_000);
  await list.evaluate((frame) => (frame.scrollTop = frame.scrollHeight));
  await list.getByText("What is in box number 0?").or(list.getByText("Tell me a long story")).first().waitFor();
  assert.ok((await list.getByRole("listitem").count()) < 60, "rows out of sight are in the document");
  console.log(`    10,000 pairs scrolled through in ${((Date.now() - began) / 1000).toFixed(1)} s, ${await list.getByRole("listitem").count()} rows in the document`);
  await check(page, "ten thousand pairs");
  await picture(page, "pairs-10000-wide");
  await page.getByLabel("Search requests and answers").fill("long story");
  await page.getByText("1 match").waitFor();
  await list.getByRole("button").first().click();
  const answer = page.locator("[data-answer]");
  await answer.waitFor();
  assert.equal((await answer.textContent()).length, 50_000);
  await check(page, "a long answer");
  await picture(page, "long-answer-wide");
  await page.setViewportSize(narrow);
  await check(page, "a long answer, narrow");
  await picture(page, "long-answer-narrow");
  await page.setViewportSize(wide);
  clean(page);
});

step("a backend that is down is said so, and what was seen stays until it is back", async (t) => {
  const way = await road(played.backend);
  t.after(() => way.close());
  const other = await frontend(program, way.address);
  t.after(() => other.end());
  const visitor = await open(browser, other.address);
  await signIn(visitor, played.admin);
  await visitor.locator(`[data-endpoint=${name}]`).waitFor();
  await visitor.getByText("Live", { exact: true }).waitFor();
  clean(visitor);
  await way.close();
  await visitor.getByRole("alert").filter({ hasText: "The backend does not answer" }).waitFor();
  await visitor.getByText("Reconnecting").waitFor();
  assert.ok(await visitor.locator(`[data-endpoint=${name}]`).isVisible());
  await check(visitor, "backend down");
  await picture(visitor, "backend-down-wide");
  await way.reopen();
  await visitor.getByText("Live", { exact: true }).waitFor();
  await until("the alarm is over", async () => (await visitor.getByRole("alert").filter({ hasText: "does not answer" }).count()) === 0);
  await way.close();
  const late = await open(browser, other.address);
  await late.getByLabel("Admin key").fill(played.admin);
  await late.getByRole("button", { name: "Sign in" }).click();
  await late.getByRole("alert").filter({ hasText: "The backend does not answer" }).waitFor();
  await late.context().close();
  await visitor.context().close();
});

step("a further exam is stricter, and a model is retired only after a yes", async () => {
  await until("the second verdict is there", async () => (await modelOf(moods)).phase === "available", 240_000);
  const { id, verdict } = await modelOf(moods);
  assert.equal(verdict, "refused");
  await page.goto(`${played.frontend}/model?id=${id}`);
  await page.getByRole("heading", { name: "Evaluation, attempt 3" }).waitFor();
  await page.getByText("with 97.5 % confidence").first().waitFor();
  await page.locator("summary").filter({ hasText: "attempt 2" }).click();
  await page.getByText("with 95 % confidence").first().waitFor();
  await check(page, "two evaluations");
  const retire = page.getByRole("button", { name: `Retire: ${moods}-v1` });
  await retire.click();
  await page.getByRole("dialog").getByText("Its weights are removed for good").waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
  assert.equal((await api(played, "GET", `/models/${id}`)).phase, "available");
  await press(page, `Retire: ${moods}-v1`, "Retire");
  await page.locator("h1 [data-phase=retired]").waitFor();
  assert.equal(await retire.count(), 0);
  assert.equal((await api(played, "GET", `/models/${id}`)).phase, "retired");
  clean(page);
});

step("every page, light and dark, wide and narrow", async () => {
  const model = await modelOf(name);
  const both = (await api(played, "GET", `/endpoints/${name}/pairs?reason=sample&limit=50`)).items.filter((p) => p.shadowId);
  assert.ok(both.length > 0, "no sampled request has both answers");
  let sampled = both[0];
  for (const pair of both) if ((await api(played, "GET", `/pairs/${pair.id}/shadow`)).answer.text !== pair.answer.text) sampled = pair; // one to tell apart, where there is one
  const pages = {
    stage: "/",
    overview: `/endpoint?name=${name}`,
    pairs: `/endpoint?name=${name}&tab=pairs`,
    pair: `/endpoint?name=${name}&tab=pairs&pair=${sampled.id}`,
    compare: `/endpoint?name=${name}&tab=compare`,
    models: `/endpoint?name=${name}&tab=models`,
    settings: `/endpoint?name=${name}&tab=settings`,
    model: `/model?id=${model.id}`,
    new: "/new",
    keys: "/keys",
    activity: "/activity",
    savings: "/savings",
  };
  for (const colorScheme of ["light", "dark"]) {
    for (const [viewport, size] of [[wide, "wide"], [narrow, "narrow"]]) {
      const visitor = await open(browser, played.frontend, { viewport, colorScheme });
      await signIn(visitor, played.admin);
      for (const [called, path] of Object.entries(pages)) {
        await visitor.goto(played.frontend + path);
        await visitor.locator("#page h1").waitFor();
        await settled(visitor);
        await check(visitor, `${called}, ${size}, ${colorScheme}`);
        await picture(visitor, `${called}-${size}-${colorScheme}`);
        if (["model", "settings", "savings", "stage"].includes(called)) await visitor.screenshot({ path: join(pictures, `${called}-${size}-${colorScheme}-whole.png`), fullPage: true });
      }
      clean(visitor);
      await visitor.context().close();
    }
  }
});

step("the pictures of the documentation", { skip: !documentation && "without DOCS" }, async () => {
  mkdirSync(documentation, { recursive: true });
  const { id } = await modelOf(name);
  const pages = { stage: "/", endpoint: `/endpoint?name=${name}`, evaluation: `/model?id=${id}`, savings: "/savings" };
  for (const colorScheme of ["light", "dark"]) {
    const visitor = await open(browser, played.frontend, { viewport: { width: 1280, height: 800 }, colorScheme });
    await signIn(visitor, played.admin);
    for (const [called, path] of Object.entries(pages)) {
      await visitor.goto(played.frontend + path);
      await visitor.locator("#page h1").waitFor();
      await settled(visitor);
      await shrink(await visitor.screenshot({ animations: "disabled" }), join(documentation, `${called}-${colorScheme}.png`));
    }
    clean(visitor);
    await visitor.context().close();
  }
});

step("the keyboard reaches everything, and the theme can be chosen", async () => {
  await page.goto(played.frontend);
  await page.locator(`[data-endpoint=${name}]`).waitFor();
  const reached = new Set();
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => document.activeElement?.getAttribute("aria-label") || document.activeElement?.textContent?.trim()));
  }
  for (const wanted of ["Skip to the page", "Savings", "New endpoint", name, `Bypass the SLM of ${name}`, "Bypass every SLM", "Sign out"]) assert.ok(reached.has(wanted), `${wanted} was not reached: ${[...reached]}`);
  await page.getByRole("button", { name: "Dark theme" }).click();
  await page.reload();
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
  await page.getByRole("button", { name: "Light theme" }).click();
  clean(page);
});

step("bypass is one click, for one endpoint and for all", async () => {
  await applications.stop();
  const toggle = page.getByRole("switch", { name: `Bypass the SLM of ${name}` });
  await toggle.click();
  await until("it is on", async () => (await api(played, "GET", `/endpoints/${name}`)).bypass);
  assert.deepEqual(await ask(played, key, requests.slice(0, 3)), ["llm", "llm", "llm"]);
  await page.locator(`[data-endpoint=${name}]`).getByText("bypassed").waitFor();
  await until("it shows", async () => (await toggle.getAttribute("aria-checked")) === "true" && (await toggle.isEnabled()));
  await toggle.click();
  await until("it is off", async () => !(await api(played, "GET", `/endpoints/${name}`)).bypass);
  const all = page.getByRole("switch", { name: "Bypass every SLM" });
  await all.click();
  await page.getByText("Bypass is on: every request goes to the LLM.").waitFor();
  await all.click();
  await until("all is off", async () => !(await api(played, "GET", "/bypass")).bypass);
  clean(page);
});

step("a model is taken off the stage with a click, and the LLM answers", async () => {
  await page.goto(`${played.frontend}/model?id=${(await modelOf(name)).id}`);
  await press(page, `Undeploy: ${name}-v1`, "Undeploy");
  await page.locator("h1 [data-phase=available]").waitFor();
  await until("the LLM answers", async () => (await ask(played, key, requests.slice(0, 4))).every((source) => source === "llm"));
  assert.equal((await modelOf(name)).phase, "available");
  clean(page);
});

step("the API's documentation works from here", async () => {
  await page.goto(`${played.frontend}/docs/`);
  await page.getByRole("heading", { name: "Understudy" }).waitFor();
  await until("the routes are listed", async () => (await page.locator(".opblock").count()) > 20);
  clean(page);
});

step("a page is light and quickly there", async () => {
  const blank = await best(`${played.frontend}/theme.js`);
  for (const path of ["/", `/endpoint?name=${name}`, "/savings"]) {
    const { lcp, scripts } = await best(played.frontend + path, played.admin);
    console.log(`    ${path}: ${(scripts / 1000).toFixed(0)} kB of scripts, largest paint after ${lcp.toFixed(0)} ms (a blank page ${blank.lcp.toFixed(0)} ms)`);
    assert.ok(scripts > 50_000 && scripts <= 250_000, `${path}: ${scripts} bytes of scripts`);
    assert.ok(lcp - blank.lcp <= 1_500, `${path}: largest paint after ${lcp} ms, of a blank page after ${blank.lcp} ms`);
  }
});

/** best is the quickest of five loads: what else the machine does can only add to it. */
async function best(address, admin) {
  const loads = [];
  for (let i = 0; i < 5; i++) loads.push(await paint(address, admin));
  return loads.sort((a, b) => a.lcp - b.lcp)[0];
}

/** paint loads an address with an empty cache and returns its largest contentful paint and the size of its scripts as sent. */
async function paint(address, admin) {
  const visitor = await open(browser, new URL(address).origin + "/config.json");
  if (admin) await visitor.request.post(`${new URL(address).origin}/session`, { data: { key: admin } });
  await visitor.goto(address);
  if (admin) {
    await visitor.locator("#page h1").waitFor();
    await settled(visitor);
  }
  const measured = await visitor.evaluate(
    () =>
      new Promise((resolve) => {
        new PerformanceObserver((list) => {
          const scripts = performance.getEntriesByType("resource").filter((r) => new URL(r.name).pathname.endsWith(".js"));
          resolve({ lcp: list.getEntries().at(-1).startTime, scripts: scripts.reduce((sum, r) => sum + r.encodedBodySize, 0) });
        }).observe({ type: "largest-contentful-paint", buffered: true });
      }),
  );
  await visitor.context().close();
  return measured;
}

/** settled waits until nothing is being fetched for the first time, and what came is drawn. */
async function settled(of) {
  await until("the page is filled", async () => (await of.locator("[role=status]").filter({ hasText: /^Loading/ }).count()) === 0);
  await until("the charts are drawn", async () => (await of.locator("figure:not(:has(svg))").count()) === 0);
  await of.evaluate(() => document.fonts.ready);
}

/** watchPhases notes each phase that the page's title shows, with the time. */
async function watchPhases(of) {
  await of.evaluate(() => {
    const seen = (window.seenPhases = []);
    const look = () => {
      const phase = document.querySelector("h1 [data-phase]")?.getAttribute("data-phase");
      if (phase !== undefined && seen.at(-1)?.phase !== phase) seen.push({ phase, at: Date.now() });
    };
    look();
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
  });
  return () => of.evaluate(() => window.seenPhases);
}

/** watchAPI notes each phase that the API tells, with the time. */
function watchAPI() {
  const told = [];
  let on = true;
  const watching = (async () => {
    while (on) {
      const { phase } = (await status()).endpoints[0];
      if (told.at(-1)?.phase !== phase) told.push({ phase, at: Date.now() });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  return {
    end: async () => {
      on = false;
      await watching;
      return told;
    },
  };
}

const lag = 2_500; // the page may be so much behind

/** compare finds every phase that lasted in the page too, soon after, and none in the page that the diary does not know. */
function compare(told, seen, diary) {
  console.log(`    phases: ${seen.map((s) => s.phase || "none").join(" → ")}`);
  told.forEach(({ phase, at }, i) => {
    const until = told[i + 1]?.at ?? Infinity;
    if (until - at < lag) return;
    const shown = seen.find((s) => s.phase === phase && s.at <= at + lag);
    assert.ok(shown, `${phase} was not shown within ${lag} ms; told ${JSON.stringify(told)}, shown ${JSON.stringify(seen)}`);
  });
  const order = [...diary];
  for (const { phase } of seen) {
    const i = order.indexOf(phase);
    assert.ok(i >= 0, `the page showed ${phase}; the diary says ${diary}`);
    order.splice(0, i);
  }
  assert.ok(seen.length >= 4, `only ${seen.length} phases were shown`);
}
