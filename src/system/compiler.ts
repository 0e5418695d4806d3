// SPDX-License-Identifier: GPL-2.0-only
// Keeps LuaJIT's compiler on our side: room to compile the whole way of a packet as one trace, another chance for what it
// gave up, and none for what it compiled wrongly.
//
// Its standard limits are made for small loops. The way of a packet, ring to ring, is a hundred calls of methods; past
// a limit the compiler tries a few times, gives the loop up for good and compiles single functions: 400 ns, not 80.
//
// A function that is called often by interpreted code is compiled by itself, which cannot succeed for a small one that
// ends in a call of built-in code ("leaving loop in root trace"). After ten attempts the compiler refuses the function
// for good, and from then on every trace that would call it: 2000 ns. Reading a word of a packet is such a function,
// and thousands of first packets of tunnels, which nobody compiles, are enough. So functions that were given up are
// looked for now and then, and the compiler starts afresh: it needs some milliseconds for that, more on a small board.
// Source: LuaJIT's lj_trace.c (penalty_pc, blacklist_pc).

/** @noSelf */
interface JitControl {
  readonly arch: string;
  attach(listener: TraceListener, event?: "trace"): void;
  on(fn: unknown): void;
  flush(): void;
}

/** @noSelf */
interface JitOptions {
  start(...settings: string[]): void;
}

/** @noSelf */
interface JitUtilities {
  /** The instruction at a place of a function; the first one, at 0, tells how the function is run. */
  funcbc(fn: unknown, at: number): number;
  /** An instruction of a trace: its mode, type and operands, and its place: the register in the lowest byte. */
  traceir(trace: number, at: number): LuaMultiReturn<[number, number, number, number, number]>;
}

/** What the compiler does; with "start", `parent` is absent for a trace that continues no other. */
export type TraceListener = (
  this: void,
  what: "start" | "stop" | "abort" | "flush",
  trace: number,
  fn: unknown,
  at: number,
  parent: unknown,
  detail: unknown,
) => void;

declare const jit: JitControl;

const options = require("jit.opt") as JitOptions;
const utilities = require("jit.util") as JitUtilities;

const IS_ARM64 = jit.arch === "arm64";

/**
 * An area of machine code holds the largest trace. On ARM64 LuaJIT before September 2023 takes every exit of a trace to be
 * within 32 kB of a test of one bit, and a longer trace ends in a crash (https://github.com/LuaJIT/LuaJIT/issues/1074).
 */
const AREA_KILOBYTES = IS_ARM64 ? 32 : 128;

/**
 * Instructions of one trace. One that is larger than an area is assembled again and again, in a new area each time, until
 * there may be no more areas, and then all traces are thrown away: 0.8 s on an emulated board, in which no packet passes.
 * So it is given up before: an instruction takes 11 bytes of machine code on ARM64 as a rule, and a little more sometimes; 2900
 * were too many for one trace in five hundred.
 */
const RECORDED_MAX = IS_ARM64 ? 2600 : 16_000;
/**
 * Of all traces, machine code; a router has 0.2 MB in its first minutes, and 1 MB on ARM64 when ten clients come back at once:
 * areas are small there, and many end unused. When it is used up all traces are thrown away. On ARM64 it bounds those
 * attempts too.
 */
const CODE_KILOBYTES_MAX = IS_ARM64 ? 2048 : 4096;

/** And of one trace constants, exits, and tail calls, which count as unrolled loops. */
const LIMITS = [
  `maxrecord=${RECORDED_MAX}`,
  "maxirconst=2000",
  "maxsnap=2000",
  "loopunroll=100",
  `maxmcode=${CODE_KILOBYTES_MAX}`,
  `sizemcode=${AREA_KILOBYTES}`,
];

/**
 * On ARM64 LuaJIT before July 2023 may choose a register for floating point to carry the base of Lua's stack into a trace
 * that continues another one, and loses the upper half of it there (https://github.com/LuaJIT/LuaJIT/issues/1031): the trace
 * ends in a crash, or in other values. About one trace in a hundred is such a one.
 */
const CAN_LOSE_BASE = IS_ARM64;
/** The instruction of a trace that stands for the base. */
const BASE_AT = 0;
const REGISTER_MASK = 0xff;
/** LuaJIT's lj_target_arm64.h: general registers, those for floating point, and then no register. */
const FIRST_FLOATING = 32;
const LAST_FLOATING = 63;

/** Whether a trace that was just compiled must not run. */
function hasLostBase(trace: number): boolean {
  const [, , , , place] = utilities.traceir(trace, BASE_AT);
  const register = place & REGISTER_MASK;
  return register >= FIRST_FLOATING && register <= LAST_FLOATING;
}

/** Before the first look for what was given up. */
const LOOK_FIRST_MS = 10_000;
/** What is given up again will be given up a third time: each look waits twice as long as the one before, to this. */
const LOOK_MOST_MS = 320_000;

/** LuaJIT's lj_bc.h: the instruction before a function that may be compiled, and the next one: that may not. */
const CODE_MASK = 0xff;
const callable = utilities.funcbc(() => 0, 0) & CODE_MASK;
const givenUp = callable + 1;

export class Compiler {
  /** Traces compiled, given up, and times that everything compiled was thrown away. */
  compiled = 0;
  aborts = 0;
  flushes = 0;

  private root: unknown;
  private readonly suspects = new LuaTable<AnyNotNil, true>();
  private lookedMs = 0;
  private lookIntervalMs = LOOK_FIRST_MS;

  /** @param observer hears of every event too: LuaJIT itself has room for one listener only. */
  constructor(private readonly observer?: TraceListener) {
    setmetatable(this.suspects, { __mode: "k" });
  }

  /** Sets the limits and begins to watch. */
  start(): void {
    options.start(...LIMITS);
    jit.attach((what, trace, fn, at, parent, detail) => {
      this.hear(what, trace, fn, parent);
      this.observer?.(what, trace, fn, at, parent, detail);
    }, "trace");
  }

  /** Starts the compiler afresh when it gave something up; call it now and then. */
  tick(nowMs: number): void {
    if (nowMs - this.lookedMs < this.lookIntervalMs) return;
    this.lookedMs = nowMs;
    if (!this.hasGivenUp()) return;
    this.startAfresh();
    this.lookIntervalMs = math.min(2 * this.lookIntervalMs, LOOK_MOST_MS);
  }

  /** Throws away what is compiled, and lets the compiler try everything again. */
  startAfresh(): void {
    for (const [fn] of pairs(this.suspects)) {
      jit.on(fn);
      this.suspects.delete(fn);
    }
    jit.flush();
  }

  private hear(what: string, trace: number, fn: unknown, parent: unknown): void {
    if (what === "start") this.root = parent === undefined ? fn : undefined;
    else if (what === "stop") this.noteCompiled(trace);
    else if (what === "flush") this.flushes += 1;
    else this.noteAbort();
  }

  private noteCompiled(trace: number): void {
    this.compiled += 1;
    if (CAN_LOSE_BASE && hasLostBase(trace)) this.throwAway();
  }

  /** One trace cannot be thrown away alone; the one that was just compiled has not run yet. Nobody is told of this. */
  private throwAway(): void {
    jit.flush();
    this.flushes += 1;
  }

  private noteAbort(): void {
    this.aborts += 1;
    if (this.root !== undefined) this.suspects.set(this.root as AnyNotNil, true);
  }

  private hasGivenUp(): boolean {
    for (const [fn] of pairs(this.suspects)) {
      if ((utilities.funcbc(fn, 0) & CODE_MASK) === givenUp) return true;
    }
    return false;
  }
}
