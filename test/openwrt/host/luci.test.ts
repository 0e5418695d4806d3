// SPDX-License-Identifier: GPL-2.0-only
// The pages of LuCI as a person meets them: in a browser, from the installed files, over the real router.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import type { Locator, Page } from "playwright-core";
import { BusySite } from "./busy-site.js";
import { LuciBrowser, photograph } from "./browser.js";
import { LuciServer } from "./luci-server.js";
import { pageCalls } from "../../../src/host/translations/template.js";
import { UciStore } from "./uci-store.js";

const NARROW = 360;
/** As in src/app/rpcd.ts. */
const REPLY_BYTES_MAX = 128 * 1024;
/** What tells people where they are and what they can do. */
const TITLES = "#view :is(h2, h3, th, label, button:not(.cbi-page-actions button), option, summary)";
/** Words of the program and of UCI, which mean the same in every language: names of options, values, interfaces. */
const KEPT = /^[a-z0-9_]+$/;
const SAMPLE = `config router 'router'
	option enabled '1'
	option lan 'lan'
	option wan 'wan'
	option scope 'vpn'

config endpoint 'endpoint'
	option enabled '0'
	option role 'client'

config tunnel 'office'
	option daemon 'strongswan'
	option connection 'office/office'
`;

/** Saves the form, and waits until this option has been written. */
async function save(page: Page, option: string): Promise<void> {
  const saved = page.waitForResponse((response) => (response.request().postData() ?? "").includes(option));
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await saved;
}

describe("LuCI", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "vpnmasq-luci-"));
  const file = path.join(folder, "vpnmasq");
  fs.writeFileSync(file, SAMPLE);
  const options = { uci: new UciStore(file, "vpnmasq"), interfaces: ["lan", "wan", "guest"] };
  const server = new LuciServer(options);
  let site: BusySite;
  let browser: LuciBrowser;

  before(async () => {
    site = await BusySite.start();
    browser = await LuciBrowser.start(await server.start());
  });
  after(async () => {
    await browser.stop();
    server.stop();
    await site.stop();
    fs.rmSync(folder, { recursive: true });
  });

  it("shows links, tables, tunnels and what the traffic is", async () => {
    const page = await browser.open("overview");
    await page.getByText("wan0, 198.51.100.1").waitFor();
    await page.getByRole("status").filter({ hasText: "ok: forwarding" }).waitFor();
    const office = page.getByRole("row", { name: /^office/ });
    assert.match(await office.innerText(), /up.*192\.168\.1\.11 > 198\.51\.100\.99.*\d+ ms/s);
    assert.match(await page.getByRole("row", { name: /^warehouse/ }).innerText(), /does not know the connection/);
    const traffic = page.getByRole("img", { name: /^Traffic through the WAN\. in: .*KiB\/s?/ });
    await traffic.waitFor();
    const trips = page.getByRole("img", { name: /^Round trips through the tunnels\. office: \d+\.\d ms/ });
    await trips.waitFor();
    await page.waitForFunction(() => (document.querySelector(".vpnmasq-line")?.getAttribute("d") ?? "").length > 30);
    await photograph(page, "overview");
  });

  it("is readable in the dark and on a narrow screen, without scrolling sideways", async () => {
    for (const name of ["overview", "tables", "explain", "configuration"]) {
      const page = await browser.open(name, { width: NARROW, dark: true });
      await photograph(page, `${name}-narrow-dark`);
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(width <= NARROW, `${name} is ${String(width)} pixels wide`);
      await page.context().close();
    }
  });

  it("turns the pages of a table by keyboard alone", async () => {
    const page = await browser.open("tables");
    await page.getByText(/^1 to 25 of 4\d$/).waitFor();
    await photograph(page, "tables");
    const choice = page.getByLabel("Table");
    await choice.focus();
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Next page");
    await page.keyboard.press("Enter");
    await page.getByText(/^26 to (4\d) of \1$/).waitFor();
    await choice.focus();
    await page.keyboard.type("IKE");
    await page.getByText("1 to 2 of 2").waitFor();
    assert.equal(await page.getByRole("row", { name: /IKEv2/ }).count(), 2);
  });

  it("explains a client that is asked for by keyboard, a link, and an unknown name", async () => {
    const page = await browser.open("explain");
    await page.getByText("Out of the ordinary now:").waitFor();
    await photograph(page, "explain");
    await page.getByLabel("Client, server, SPI or tunnel").focus();
    await page.keyboard.type("10.7.0.12");
    await page.keyboard.press("Enter");
    await page.getByText("What is known of 10.7.0.12:").waitFor();
    await page.getByLabel("Client, server, SPI or tunnel").fill("nonsense");
    await page.keyboard.press("Enter");
    await page.getByText(/use an IPv4 address or an SPI/).waitFor();
    await page.getByLabel("Client, server, SPI or tunnel").fill("office");
    await page.keyboard.press("Enter");
    await page.getByText("What happened to the tunnel office").waitFor();
    const tables = await browser.open("tables");
    await tables.getByRole("link", { name: "0x00001001" }).click();
    await tables.getByText("What is known of 0x00001001:").waitFor();
  });

  it("refuses a value beyond the program's own bounds, and saves a good one", async () => {
    const page = await browser.open("configuration");
    await page.getByText("Interface of the clients").waitFor();
    await photograph(page, "configuration");
    await page.getByRole("link", { name: "Limits and timers" }).first().click();
    const timer = page.locator('[id$="limits_esp_outstanding_ms"] input').first();
    await timer.fill("199");
    await timer.blur();
    await photograph(page, "configuration-invalid");
    assert.match((await timer.getAttribute("class")) ?? "", /cbi-input-invalid/);
    await timer.fill("200");
    await timer.blur();
    assert.doesNotMatch((await timer.getAttribute("class")) ?? "", /cbi-input-invalid/);
    await save(page, "limits_esp_outstanding_ms");
    server.commit();
    assert.match(
      fs.readFileSync(file, "utf8"),
      /config router 'router'\n(\t.*\n)*\toption limits_esp_outstanding_ms '200'/,
    );
  });

  it("asks for what counts only with another option when that says so, and keeps what is hidden", async () => {
    const page = await browser.open("configuration");
    const row = (section: string, option: string): Locator => page.locator(`#cbi-vpnmasq-${section}-${option}`);
    const open = async (title: string): Promise<void> => page.getByRole("link", { name: title }).first().click();
    const choose = async (value: string): Promise<void> => {
      await open("General");
      await row("router", "scope").getByRole("combobox").selectOption(value);
    };
    await row("router", "scope").waitFor();
    await open("Limits and timers");
    const flows = row("router", "limits_flows_max");
    await row("router", "limits_esp_items_max").waitFor();
    assert.ok(!(await flows.isVisible()), "sessions of other protocols count in scope all only");
    await choose("all");
    await open("Limits and timers");
    await flows.waitFor();
    await photograph(page, "configuration-scope-all");
    await flows.getByRole("textbox").fill("100");
    await choose("vpn");
    await flows.waitFor({ state: "hidden" });
    await choose("all");
    await save(page, "limits_flows_max");
    server.commit();
    assert.match(fs.readFileSync(file, "utf8"), /\toption limits_flows_max '100'/);
    const interval = row("router", "flash_interval_s");
    await open("Advanced");
    assert.ok(!(await interval.isVisible()));
    await open("General");
    await row("router", "flash_snapshot").getByRole("textbox").fill("/etc/vpnmasq/journal");
    await row("router", "flash_snapshot").getByRole("textbox").blur();
    await open("Advanced");
    await interval.waitFor();
    assert.ok(!(await row("endpoint", "hook_timeout_s").isVisible()));
    await choose("vpn");
    await save(page, "scope");
    server.commit();
    assert.match(fs.readFileSync(file, "utf8"), /\toption limits_flows_max '100'/, "what is hidden is kept");
    await page.setViewportSize({ width: NARROW, height: 900 });
    await photograph(page, "configuration-narrow");
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= NARROW);
  });

  if (process.env.LUCI_SOURCE === undefined) {
    it("shows every title, label and button in the reader's language", async () => {
      const texts = pageCalls().flatMap(({ text }) => text ?? []);
      const translations = Object.fromEntries(texts.map((text) => [text, `«${text}»`]));
      const foreign = new LuciServer({ ...options, translations });
      const reader = await LuciBrowser.start(await foreign.start());
      for (const name of ["overview", "tables", "explain", "configuration"]) {
        const page = await reader.open(name);
        const found = await page.locator(TITLES).allInnerTexts();
        const titles = found.filter((text) => /\p{L}/u.test(text) && !KEPT.test(text));
        assert.ok(titles.length > 5, name);
        assert.deepEqual(
          titles.filter((text) => !/^«.*»$/s.test(text)),
          [],
          name,
        );
      }
      await photograph(await reader.open("tables"), "tables-translated");
      await reader.stop();
      foreign.stop();
    });
  }

  it("never got a longer reply than rpcd bears", () => {
    assert.ok(server.replyBytes.size >= 6);
    for (const [method, bytes] of server.replyBytes) assert.ok(bytes <= REPLY_BYTES_MAX, `${method}: ${String(bytes)}`);
  });

  it("says so when nothing runs", async () => {
    await site.stop();
    const page = await browser.open("overview");
    await page.getByText(/Neither a router nor an endpoint answers/).waitFor();
    await photograph(page, "overview-nothing-runs");
  });

  it("has met no error of a script", () => {
    assert.deepEqual(browser.complaints, []);
  });
});
