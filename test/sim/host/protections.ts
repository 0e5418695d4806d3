// SPDX-License-Identifier: GPL-2.0-only
// The protections of the program, each with the change to its compiled Lua that switches it off.
//
// The shipped code has no switches for tests: a copy of the compiled modules is changed instead. A change names a method
// that is replaced, or a text that stands in its file exactly once.

export interface Protection {
  readonly name: string;
  /** The compiled module, without its ending. */
  readonly module: string;
  /** A method of a class, and what stands in its place. */
  readonly method?: readonly [owner: string, name: string, instead: string];
  readonly text?: readonly [from: string, to: string];
  /** Folder of the specs that may notice. */
  readonly specs: "masquerade" | "epoch" | "watchdog";
}

const NOTHING = "function() end";
const FALSE = "function() return false end";
const TRUE = "function() return true end";
const NONE = "function() return {} end";

const ESP = "src/masquerade/esp";
const DOUBTS = "src/masquerade/esp-doubts";
const TURNS = "src/masquerade/esp-turns";
const IKE = "src/masquerade/ike";
const TUNNEL = "src/epoch/tunnel";

function table(name: string, module: string, rest: Pick<Protection, "method" | "text">): Protection {
  return { name, module, specs: "masquerade", ...rest };
}

function machine(name: string, module: string, rest: Pick<Protection, "method" | "text">): Protection {
  return { name, module, specs: "epoch", ...rest };
}

export const PROTECTIONS: readonly Protection[] = [
  table("One turn at a time (races 2, 3)", ESP, { text: ["if not mayStart or relearning then", "if relearning then"] }),
  table("A turn ends (Tout)", ESP, { method: ["EspTracker", "endTurn", NOTHING] }),
  table("What is held in a turn goes on", TURNS, { method: ["EspTurns", "letOneMorePass", NOTHING] }),
  table("Nout while others wait", ESP, {
    text: ["if sends >= self.limits.espOutstandingSendsMax then", "if false then"],
  }),
  table("The next one gets the turn", TURNS, { method: ["EspTurns", "passTurn", NOTHING] }),
  table("A server that speaks first is heard (race 1)", ESP, {
    text: ["local owners = self:possibleOwners(server, nowMs)", "local owners = {}"],
  }),
  table("A rival in use gets copies (race 2)", DOUBTS, { method: ["EspDoubts", "rivalInUse", NOTHING] }),
  table("Guessed SPIs are offered (race 3)", DOUBTS, { method: ["EspDoubts", "offerGuesses", NOTHING] }),
  table("Items live for an hour (race 4)", "src/masquerade/limits", {
    text: ["espIdleMs = 1 * HOUR", "espIdleMs = 1"],
  }),
  table("An opened SPI pairs with its client's next packet", TURNS, { method: ["EspTurns", "openedFor", NOTHING] }),
  table("An answer on an opened SPI is noticed", TURNS, { method: ["EspTurns", "pairKnown", NOTHING] }),
  table("An answer that an older epoch took is noticed", TURNS, { method: ["EspTurns", "takenByOlder", NOTHING] }),
  table("Listening after a start without memory", ESP, { method: ["EspTracker", "startRelearning", NOTHING] }),
  table("Epochs older than our memory are shared", DOUBTS, { method: ["EspDoubts", "shareUnseen", NOTHING] }),
  table("SPIs seen before the turn are no answer", "src/masquerade/esp-server", {
    method: ["EspServer", "isStray", FALSE],
  }),
  table("Collisions show in sequence numbers", DOUBTS, { method: ["EspDoubts", "weighEvidence", NOTHING] }),
  table("A reused SPI is an answer", DOUBTS, { method: ["EspDoubts", "isReuse", FALSE] }),
  table("Copies are bounded", DOUBTS, { method: ["EspDoubts", "firstFew", "function(_, clients) return clients end"] }),
  table("A client's share of the table", "src/masquerade/quota", { method: ["Quota", "isClientFull", FALSE] }),
  table("Equal shares of a full table", "src/masquerade/quota", { method: ["Quota", "givesWay", FALSE] }),
  table("Work for unknown SPIs is bounded", "src/masquerade/rate-limit", { method: ["RateLimit", "admit", TRUE] }),
  table("A client's own longest idle item gives way", "src/masquerade/esp-items", {
    method: ["EspItems", "hasRoomFor", "function(self, client) return not self.quota:isClientFull(client) end"],
  }),
  table("Idle items are forgotten", "src/masquerade/esp-items", { method: ["EspItems", "isIdle", FALSE] }),
  table("Equal cookies wait", IKE, { text: ['taken and "waiting" or "outstanding"', '"outstanding"'] }),
  table("A server's new IKE session finds its client", IKE, {
    text: ["local owners = self:likelyOwners(server, nowMs)", "local owners = {}"],
  }),
  table("Negotiations tell whose a new SPI is", IKE, { method: ["IkeTracker", "negotiators", NONE] }),
  table("A living session is not taken over", IKE, {
    text: ["if nowMs - session.lastOutMs < self.limits.ikeMoveQuietMs then", "if false then"],
  }),
  table("The journal has what was learned", "src/masquerade/journal-lines", {
    text: ["for ____, record in ipairs(esp.learned) do", "for ____, record in ipairs({}) do"],
  }),
  table("Each SPI's first owner is restored first", "src/masquerade/journal-lines", {
    text: ["ipairs(firstOwnersFirst(snapshot.esp))", "ipairs(snapshot.esp)"],
  }),
  table("Damaged lines of the journal are refused", "src/masquerade/snapshot", {
    text: ["return text, toWord(tonumber(checksum, 16)) == crc32(text, seed)", "return text, true"],
  }),
  {
    name: "Lost tunnels are made to recover",
    module: "src/watchdog/nat-loss",
    specs: "watchdog",
    method: ["NatLossWatch", "tick", NONE],
  },
  machine("New epochs are pinged", TUNNEL, { method: ["Tunnel", "sendPing", NONE] }),
  machine("Silence is noticed", TUNNEL, { method: ["Tunnel", "watchSilence", NONE] }),
  machine("Data waits for the first answer", TUNNEL, {
    method: ["Tunnel", "dataEpoch", "function(self) return self.list:newest() end"],
  }),
  machine("The client leads the renewal", TUNNEL, { method: ["Tunnel", "renew", NONE] }),
  machine("A new IKE session after vain renewals", "src/epoch/ladder", {
    text: ["if self.rekeys >= rekeysMax then", "if false then"],
  }),
  machine("An IKE session that is silent is replaced", "src/epoch/ladder", {
    text: ["if self.isIkeSilent then", "if false then"],
  }),
  machine("Actions are bounded", "src/epoch/action-budget", { method: ["ActionBudget", "spend", NOTHING] }),
];
