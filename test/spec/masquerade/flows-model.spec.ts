// SPDX-License-Identifier: GPL-2.0-only
// Random traffic through a flow table and through a model that keeps everything in plain lists and searches them.

import { FlowTable } from "../../../src/masquerade/flows";
import { DEFAULT_PORTS } from "../../../src/masquerade/ports";
import { Action, Verdict } from "../../../src/masquerade/verdict";
import { Random } from "../random";

const CLIENT = 0x0a000001;
const REMOTE = 0x50000001;
const IDLE_MS = 10000;
const SESSIONS_MAX = 4096;
const PACKET_BYTES = 10;

interface ModelSession {
  client: number;
  clientPort: number;
  externalPort: number;
  remote: number;
  remotePort: number;
  lastSeenMs: number;
  bytes: number;
}

class Model {
  sessions: ModelSession[] = [];

  mappedPort(client: number, clientPort: number): number | undefined {
    return this.sessions.find((one) => one.client === client && one.clientPort === clientPort)?.externalPort;
  }

  ofPort(externalPort: number): ModelSession[] {
    return this.sessions.filter((one) => one.externalPort === externalPort);
  }

  expire(nowMs: number): void {
    this.sessions = this.sessions.filter((one) => one.lastSeenMs + IDLE_MS > nowMs);
  }
}

/** One run: a table and its model fed alike, compared after every packet. */
class Run {
  readonly model = new Model();
  readonly verdict = new Verdict(1);
  readonly table: FlowTable;
  nowMs = 0;

  constructor(
    readonly random: Random,
    readonly isOpenToAll: boolean,
  ) {
    const limits = {
      sessionsMax: SESSIONS_MAX,
      sessionsPerClientMax: SESSIONS_MAX,
      settledIdleMs: IDLE_MS,
      transitoryIdleMs: IDLE_MS,
    };
    const filtering = isOpenToAll ? "endpoint" : "address";
    this.table = new FlowTable({ isTcp: false, limits, ports: DEFAULT_PORTS, filtering, seed: random.word() });
  }

  send(): void {
    const client = CLIENT + this.random.below(4);
    const clientPort = 2000 + this.random.below(8);
    const remote = REMOTE + this.random.below(4);
    const remotePort = 1 + this.random.below(4);
    this.table.outbound(client, clientPort, remote, remotePort, 0, PACKET_BYTES, this.nowMs, this.verdict);
    assert.equal(Action.Forward, this.verdict.action);
    const externalPort = this.verdict.port;
    const mappedPort = this.model.mappedPort(client, clientPort);
    if (mappedPort !== undefined) assert.equal(mappedPort, externalPort);
    else assert.equal(0, this.model.ofPort(externalPort).length);
    const known = this.model.ofPort(externalPort).find((one) => one.remote === remote && one.remotePort === remotePort);
    assert.equal(known === undefined ? "flow-new" : "flow-known", this.verdict.reason);
    const session = known ?? { client, clientPort, externalPort, remote, remotePort, lastSeenMs: 0, bytes: 0 };
    session.lastSeenMs = this.nowMs;
    session.bytes += PACKET_BYTES;
    if (known === undefined) this.model.sessions.push(session);
  }

  receive(): void {
    const remote = REMOTE + this.random.below(5);
    const remotePort = 1 + this.random.below(5);
    const externalPort = 2000 + this.random.below(9);
    this.table.inbound(remote, remotePort, externalPort, 0, PACKET_BYTES, this.nowMs, this.verdict);
    const mapped = this.model.ofPort(externalPort);
    const known = mapped.find((one) => one.remote === remote && one.remotePort === remotePort);
    assert.equal(this.expectedReason(mapped, known, remote), this.verdict.reason);
    if (this.verdict.action === Action.Drop) return;
    assert.equal(mapped[0].client, this.verdict.client);
    assert.equal(mapped[0].clientPort, this.verdict.port);
    if (known === undefined) return;
    known.lastSeenMs = this.nowMs;
    known.bytes += PACKET_BYTES;
  }

  private expectedReason(mapped: ModelSession[], known: ModelSession | undefined, remote: number): string {
    if (known !== undefined) return "flow-known";
    if (mapped.length === 0) return "flow-unknown";
    return this.isOpenToAll || mapped.some((one) => one.remote === remote) ? "flow-accepted" : "flow-filtered";
  }

  wait(): void {
    this.nowMs += 100 * this.random.below(30);
    this.table.expire(this.nowMs, SESSIONS_MAX);
    this.model.expire(this.nowMs);
  }

  forgetClient(): void {
    const client = CLIENT + this.random.below(4);
    this.table.dropClient(client);
    this.model.sessions = this.model.sessions.filter((one) => one.client !== client);
  }

  compareLists(): void {
    const listed: string[] = [];
    this.table.forEach(this.nowMs, (entry) => {
      listed.push(
        `${entry.client}:${entry.clientPort} ${entry.externalPort} ${entry.remote}:${entry.remotePort} ` +
          `${entry.idleMs} ms ${entry.bytes} bytes`,
      );
    });
    const expected = this.model.sessions.map(
      (one) =>
        `${one.client}:${one.clientPort} ${one.externalPort} ${one.remote}:${one.remotePort} ` +
        `${this.nowMs - one.lastSeenMs} ms ${one.bytes} bytes`,
    );
    listed.sort();
    expected.sort();
    assert.same(expected, listed);
  }

  step(): void {
    const choice = this.random.below(1000);
    if (choice < 450) this.send();
    else if (choice < 900) this.receive();
    else if (choice < 995) this.wait();
    else this.forgetClient();
    assert.equal(this.model.sessions.length, this.table.count());
  }
}

describe("A flow table under random traffic", () => {
  for (const isOpenToAll of [false, true]) {
    const filter = isOpenToAll ? "open to all" : "by address";
    it(`agrees with a plain model over 20,000 operations, filter ${filter}`, () => {
      const run = new Run(new Random(isOpenToAll ? 11 : 12), isOpenToAll);
      for (const step of $range(1, 20000)) {
        run.step();
        if ((step & 0x3ff) === 0) run.compareLists();
      }
      run.compareLists();
      run.nowMs += 2 * IDLE_MS;
      run.table.expire(run.nowMs, SESSIONS_MAX);
      assert.equal(0, run.table.count());
    });
  }

  it("keeps its bounds and its counts when it is always full", () => {
    const random = new Random(13);
    const limits = { sessionsMax: 300, sessionsPerClientMax: 100, settledIdleMs: IDLE_MS, transitoryIdleMs: IDLE_MS };
    const table = new FlowTable({ isTcp: false, limits, ports: DEFAULT_PORTS, filtering: "address", seed: 5 });
    const verdict = new Verdict(1);
    for (const step of $range(1, 30000)) {
      const client = CLIENT + random.below(8);
      table.outbound(client, 2000 + random.below(100), REMOTE + random.below(8), 53, 0, 1, step, verdict);
      if (verdict.action === Action.Forward && random.below(3) === 0) {
        table.inbound(REMOTE + random.below(8), 53, verdict.port, 0, 1, step, verdict);
      }
    }
    let counted = 0;
    for (const host of $range(0, 7)) {
      assert.is_true(table.countOf(CLIENT + host) <= 100);
      counted += table.countOf(CLIENT + host);
    }
    assert.equal(table.count(), counted);
    assert.is_true(table.count() > 250 && table.count() <= 300);
    table.clear();
    assert.equal(0, table.count());
    for (const host of $range(0, 7)) assert.equal(0, table.countOf(CLIENT + host));
    for (const port of $range(2000, 2099)) {
      table.outbound(CLIENT, port, REMOTE, 53, 0, 1, 0, verdict);
      assert.equal(port, verdict.port);
    }
  });
});
