// SPDX-License-Identifier: GPL-2.0-only
// Debian's Chromium, driven by Playwright: a page of LuCI as a person has it, narrow or wide, dark or light.

import fs from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

export const SCREENSHOTS = "build/screenshots";
const CHROMIUM = "/usr/bin/chromium";
/** Root has no user namespace to keep it in; the pages are our own. */
const WITHOUT_SANDBOX = "--no-sandbox";
const HEIGHT = 900;
/** On a busy machine. */
const PATIENCE_MS = 20_000;

export interface Look {
  readonly width?: number;
  readonly dark?: boolean;
}

export class LuciBrowser {
  /** What pages complained about: a test ends with none. */
  readonly complaints: string[] = [];

  private constructor(
    private readonly browser: Browser,
    private readonly address: string,
  ) {}

  static async start(address: string): Promise<LuciBrowser> {
    fs.mkdirSync(SCREENSHOTS, { recursive: true });
    return new LuciBrowser(await chromium.launch({ executablePath: CHROMIUM, args: [WITHOUT_SANDBOX] }), address);
  }

  /** Opens a page of the app and waits until its view is there. */
  async open(name: string, { width = 1100, dark = false }: Look = {}): Promise<Page> {
    const context = await this.browser.newContext({
      viewport: { width, height: HEIGHT },
      screen: { width, height: HEIGHT },
      colorScheme: dark ? "dark" : "light",
    });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    page.on("pageerror", (problem) => this.complaints.push(`${name}: ${problem.message}`));
    page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(`${name}: ${message.text()}`);
    });
    await page.goto(`${this.address}/cgi-bin/luci/admin/services/vpnmasq/${name}`);
    await page.locator("#view .cbi-map, #view .alert-message").first().waitFor();
    return page;
  }

  async stop(): Promise<void> {
    await this.browser.close();
  }
}

/** Keeps a picture of the whole page. */
export async function photograph(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${SCREENSHOTS}/${name}.png`, fullPage: true });
}
