// SPDX-License-Identifier: GPL-2.0-only
// `vpnmasq watch`: looks at the router once a second and shows it, until q. Whatever ends it, the terminal is as it was.

import { monotonicMs } from "../../system/clock";
import { EventLoop, FAILED, HUNG_UP, READABLE } from "../../system/event-loop";
import { fail, type Outcome, succeed } from "../../system/outcome";
import { RawTerminal } from "../../system/raw-terminal";
import { Signals } from "../../system/signals";
import { terminalSize } from "../../system/terminal";
import { askRouter } from "../control-client";
import { askHealth } from "../health-command";
import type { StatusReport } from "../report/status-report";
import type { TableName, TableReport } from "../report/table-report";
import { isColourWanted } from "../view/style";
import { type Key, KeyReader } from "./keys";
import { itemsShown, type Look, watchPage } from "./page";
import { Screen } from "./screen";

const LOOK_MS = 1000;
/** A router that answers does so in milliseconds; keys wait while it is asked. */
const ASK_TIMEOUT_MS = 800;
/** Everything is sent anew this often: others may have written over it. */
const REDRAW_MS = 30_000;

class Watch {
  private readonly loop = new EventLoop();
  private readonly keys = new KeyReader();
  private readonly screen: Screen;
  private table: TableName = "esp";
  private offset = 0;
  private total = 0;
  private drawnMs = monotonicMs();
  private now: Look | undefined;
  private before: Look | undefined;

  constructor(
    private readonly control: string,
    private readonly terminal: RawTerminal,
  ) {
    const { rows, columns } = terminalSize();
    this.screen = new Screen(rows, columns, isColourWanted());
  }

  run(): Outcome<true> {
    const [, problem] = Signals.watch(this.loop, ["TERM", "INT", "HUP", "WINCH"], (name) => {
      if (name === "WINCH") this.resize();
      else this.loop.stop();
    });
    if (problem !== undefined) return fail(problem);
    this.loop.watch(this.terminal.fd, READABLE, (readiness) => {
      const text = this.terminal.read();
      if (text === undefined || (readiness & (FAILED | HUNG_UP)) !== 0) this.loop.stop();
      else for (const key of this.keys.take(text)) this.obey(key);
    });
    this.loop.tick(LOOK_MS, () => {
      this.look();
    });
    this.look();
    this.loop.run();
    return succeed(true as const);
  }

  leave(): void {
    this.terminal.write(this.screen.leave());
  }

  private look(): void {
    const health = askHealth(this.control, ASK_TIMEOUT_MS);
    const look: Look = { atMs: monotonicMs(), health };
    const isThere = health.health !== "absent" && health.reason !== "no-answer";
    this.before = this.now;
    this.now = isThere ? { ...look, ...this.askMore() } : look;
    this.total = this.now.table?.total ?? this.total;
    this.draw();
  }

  private askMore(): Pick<Look, "status" | "table"> {
    const [status] = askRouter<StatusReport>(this.control, { command: "status" }, ASK_TIMEOUT_MS);
    const limit = itemsShown(this.screen.height());
    const request = { command: "table", table: this.table, offset: this.offset, limit };
    const [table] = askRouter<TableReport>(this.control, request, ASK_TIMEOUT_MS);
    return { status, table };
  }

  private draw(): void {
    if (this.now === undefined) return;
    const nowMs = monotonicMs();
    if (nowMs >= this.drawnMs + REDRAW_MS) {
      this.screen.forget();
      this.drawnMs = nowMs;
    }
    const height = this.screen.height();
    const request = { table: this.table, offset: this.offset, height, width: this.screen.width() };
    if (!this.terminal.write(this.screen.draw(watchPage(this.now, this.before, request)))) this.loop.stop();
  }

  private resize(): void {
    const { rows, columns } = terminalSize();
    this.screen.resize(rows, columns);
    this.draw();
  }

  private obey(key: Key): void {
    if (key === "quit") this.loop.stop();
    else if (key === "redraw") this.screen.forget();
    else if (key === "esp" || key === "ike" || key === "flows") {
      this.table = key;
      this.offset = 0;
    } else {
      this.offset = this.moved(key);
    }
    if (key !== "quit") this.look();
  }

  private moved(key: "up" | "down" | "page-up" | "page-down" | "first" | "last"): number {
    const page = itemsShown(this.screen.height());
    const ways = { up: -1, down: 1, "page-up": -page, "page-down": page, first: -this.total, last: this.total };
    return Math.max(0, Math.min(this.offset + ways[key], this.total - page));
  }
}

/** Runs until a person, a signal or the terminal ends it; an error is a line for people. */
export function watchRouter(control: string): Outcome<true> {
  const [terminal, problem] = RawTerminal.open();
  if (terminal === undefined) return fail(`watch: ${problem}; see vpnmasq status --json for programs`);
  const watch = new Watch(control, terminal);
  const [isWhole, result] = pcall(() => {
    const [, cause] = watch.run();
    return cause;
  });
  watch.leave();
  terminal.close();
  if (!isWhole) error(result, 0);
  return result === undefined ? succeed(true as const) : fail(result);
}
