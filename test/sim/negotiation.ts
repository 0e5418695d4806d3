// SPDX-License-Identifier: GPL-2.0-only
// The IKE daemon's messages at one end of a tunnel: exchanges, their retransmission, and what they agree on.
//
// One exchange at a time is begun by each end (RFC 7296 §2.3: a window of 1); others wait. What is agreed is the peer's
// business (peer.ts): here are only the messages that get it agreed.

import type { Random } from "../spec/random";
import type { EventQueue } from "./event-queue";
import { areEqualCookies, type Cookies, type ExchangeKind, type IkePacket, type Message } from "./packet";
import { drawSpi, type RenewalStyle } from "./renewal";

/** An IKE SA as one end knows it. The remote end's address (a word) and port are where its first message came from. */
export interface IkeSa {
  readonly cookies: Cookies;
  readonly remote: number;
  readonly remotePort: number;
}

/** What the negotiation tells its peer. Epochs are named by their SPIs, seen from the client. */
export interface Agreements {
  /** Sends a message to the other end. */
  transmit(packet: IkePacket): void;
  /** The SPI for packets that this end will receive. */
  chooseSpi(): number;
  chooseInitiatorCookie(): { readonly high: number; readonly low: number };
  sessionMade(): void;
  epochReceivable(outSpi: number, inSpi: number): void;
  /** @param isOurs this end began the exchange */
  epochUsable(outSpi: number, inSpi: number, isOurs: boolean): void;
  epochDeleted(inSpi: number): void;
  heard(): void;
  /** An exchange was not answered: the IKE SA is dead. */
  failed(): void;
}

/** libreswan: half a second, doubled each time; after the last wait the exchange has failed. */
const RETRANSMIT_FIRST_MS = 500;
const SENDS_MAX = 6;
const ISAKMP_PORT = 500;
/** Answers to the peer's last requests, to be sent again. */
const ANSWERS_MAX = 8;

interface Exchange {
  readonly kind: ExchangeKind;
  readonly messageId: number;
  readonly round: number;
  readonly isFirstEpoch: boolean;
  readonly sa: IkeSa;
  inSpi: number;
  outSpi: number;
  readonly newCookies: Cookies | undefined;
  step: number;
  sends: number;
  isOver: boolean;
}

export class Negotiation {
  /** The IKE SA in use; undefined: none. */
  sa: IkeSa | undefined;
  private exchange: Exchange | undefined;
  /** A Quick Mode that this end began and finished: its last message is sent again when asked for. */
  private finished: Exchange | undefined;
  /** As a responder: the exchange whose third message is awaited, and IKE SAs that were begun or replaced. */
  private answered: Exchange | undefined;
  private embryo: IkeSa | undefined;
  private replaced: IkeSa | undefined;
  private answers: { readonly messageId: number; readonly packet: IkePacket }[] = [];
  private waiting: { readonly kind: ExchangeKind; readonly inSpi: number }[] = [];
  private nextId: number;

  constructor(
    private readonly tunnel: number,
    private readonly isClient: boolean,
    private readonly style: RenewalStyle,
    private readonly address: (this: void) => number,
    private readonly queue: EventQueue,
    private readonly random: Random,
    private readonly peer: Agreements,
  ) {
    this.nextId = isClient ? 1 : 2;
  }

  /** Forgets everything: the daemon, or the IKE SA, has ended. */
  reset(): void {
    if (this.exchange !== undefined) this.exchange.isOver = true;
    if (this.answered !== undefined) this.answered.isOver = true;
    this.sa = undefined;
    this.exchange = undefined;
    this.finished = undefined;
    this.answered = undefined;
    this.embryo = undefined;
    this.replaced = undefined;
    this.answers = [];
    this.waiting = [];
  }

  /** Whether an exchange of this end is under way. */
  isBusy(): boolean {
    return this.exchange !== undefined;
  }

  /** A client begins a new IKE SA, whatever there was before. @param server its address, a word */
  startSession(server: number): void {
    this.reset();
    const { high, low } = this.peer.chooseInitiatorCookie();
    const cookies = { initiatorHigh: high, initiatorLow: low, responderHigh: 0, responderLow: 0 };
    this.begin("session", { cookies, remote: server, remotePort: ISAKMP_PORT }, 1, 0);
  }

  /** Begins an exchange in the IKE SA, now or when the present one is over. @param inSpi the epoch to delete */
  start(kind: "epoch" | "rekey-ike" | "delete" | "probe", inSpi = 0): void {
    if (this.sa === undefined) return;
    if (this.exchange === undefined) this.begin(kind, this.sa, 0, inSpi);
    else if (this.exchange.kind !== kind || kind === "delete") this.waiting.push({ kind, inSpi });
  }

  receive(packet: IkePacket): void {
    const { message } = packet;
    if (message.isClients !== this.isClient) this.receiveRequest(packet, message);
    else if (this.exchange?.messageId === message.messageId) this.receiveAnswer(packet, message, this.exchange);
    else if (this.finished?.messageId === message.messageId) this.send(this.finished);
  }

  // As the initiator

  private begin(kind: ExchangeKind, sa: IkeSa, round: number, inSpi: number): void {
    const isFirstEpoch = kind === "epoch" && round > 0;
    const exchange: Exchange = {
      ...{ kind, messageId: this.takeId(), round, isFirstEpoch, sa, inSpi, outSpi: 0 },
      ...{ newCookies: kind === "rekey-ike" ? this.newCookies() : undefined, step: 1, sends: 0, isOver: false },
    };
    if (kind === "epoch") this.chooseSpi(exchange);
    this.exchange = exchange;
    this.sendUntilAnswered(exchange);
  }

  private receiveAnswer(packet: IkePacket, message: Message, exchange: Exchange): void {
    const isAnswer = message.step === exchange.step + 1 && this.isOfSa(packet, exchange.sa);
    if (!isAnswer) return;
    this.peer.heard();
    exchange.isOver = true;
    this.exchange = undefined;
    if (exchange.kind === "session") {
      this.continueSession({ ...exchange.sa, cookies: packet.cookies }, exchange.round);
      return;
    }
    if (exchange.kind === "epoch") this.finishEpoch(exchange, message);
    if (exchange.kind === "delete") this.peer.epochDeleted(exchange.inSpi);
    if (exchange.kind === "rekey-ike" && message.newCookies !== undefined) {
      this.sa = { ...exchange.sa, cookies: message.newCookies };
      this.peer.sessionMade();
    }
    this.startNext();
  }

  /** The next round trip, or the first epoch. */
  private continueSession(sa: IkeSa, round: number): void {
    if (round < this.style.sessionRounds) {
      this.begin("session", sa, round + 1, 0);
      return;
    }
    this.sa = sa;
    this.peer.sessionMade();
    this.begin("epoch", sa, 1, 0);
  }

  private finishEpoch(exchange: Exchange, message: Message): void {
    exchange.inSpi = message.inSpi;
    exchange.outSpi = message.outSpi;
    if (this.style.messages === 3) {
      exchange.step = 3;
      this.finished = exchange;
      this.send(exchange);
    }
    this.peer.epochReceivable(message.outSpi, message.inSpi);
    this.peer.epochUsable(message.outSpi, message.inSpi, true);
  }

  private startNext(): void {
    const next = this.waiting.shift();
    if (next !== undefined && this.sa !== undefined) this.begin(next.kind, this.sa, 0, next.inSpi);
  }

  // As the responder

  private receiveRequest(packet: IkePacket, message: Message): void {
    const known = this.answers.find(({ messageId }) => messageId === message.messageId);
    if (message.step === 3) this.receiveThird(message);
    else if (known !== undefined) this.peer.transmit(known.packet);
    else if (message.exchange === "session") this.answerSession(packet, message);
    else this.answerInSa(packet, message);
  }

  private answerSession(packet: IkePacket, message: Message): void {
    if (message.round === 1) {
      const responder = { responderHigh: this.random.word(), responderLow: this.random.word() };
      const cookies = { ...packet.cookies, ...responder };
      this.embryo = { cookies, remote: packet.source, remotePort: packet.sourcePort };
    }
    if (this.embryo === undefined || !areEqualInitiators(this.embryo.cookies, packet.cookies)) return;
    this.answer(this.embryo, packet, {});
  }

  private answerInSa(packet: IkePacket, message: Message): void {
    if (this.embryo !== undefined && areEqualCookies(this.embryo.cookies, packet.cookies))
      this.adoptEmbryo(this.embryo);
    const { sa } = this;
    if (sa === undefined || !areEqualCookies(sa.cookies, packet.cookies)) {
      // A request in an IKE SA that was just replaced is answered there; what it asks for is not done.
      const old = this.replaced;
      if (old !== undefined && areEqualCookies(old.cookies, packet.cookies)) this.answer(old, packet, {});
      return;
    }
    this.peer.heard();
    if (message.exchange === "epoch") this.answerEpoch(sa, packet);
    else if (message.exchange === "rekey-ike") this.answerRekey(sa, packet);
    else this.answer(sa, packet, {});
    if (message.exchange === "delete") this.peer.epochDeleted(message.inSpi);
  }

  private adoptEmbryo(embryo: IkeSa): void {
    if (this.exchange !== undefined) this.exchange.isOver = true;
    this.exchange = undefined;
    this.waiting = [];
    this.embryo = undefined;
    this.sa = embryo;
    this.peer.sessionMade();
  }

  private answerEpoch(sa: IkeSa, packet: IkePacket): void {
    const { message } = packet;
    const own = this.peer.chooseSpi();
    const spis = this.isClient ? { inSpi: own, outSpi: message.outSpi } : { inSpi: message.inSpi, outSpi: own };
    this.peer.epochReceivable(spis.outSpi, spis.inSpi);
    this.answer(sa, packet, spis);
    if (this.style.responderUsesAt === 2) {
      this.peer.epochUsable(spis.outSpi, spis.inSpi, false);
      return;
    }
    const { messageId } = message;
    const rest = { round: 0, isFirstEpoch: false, newCookies: undefined, step: 2, sends: 1, isOver: false };
    this.answered = { kind: "epoch", messageId, sa, ...spis, ...rest };
    this.queue.after(RETRANSMIT_FIRST_MS, this.repeat, this.answered);
  }

  private receiveThird(message: Message): void {
    const { answered } = this;
    if (answered?.messageId !== message.messageId) return;
    answered.isOver = true;
    this.answered = undefined;
    this.peer.heard();
    this.peer.epochUsable(answered.outSpi, answered.inSpi, false);
  }

  private answerRekey(sa: IkeSa, packet: IkePacket): void {
    const offered = packet.message.newCookies ?? sa.cookies;
    const cookies = { ...offered, responderHigh: this.random.word(), responderLow: this.random.word() };
    this.answer(sa, packet, { newCookies: cookies });
    this.replaced = sa;
    this.sa = { ...sa, cookies };
    this.peer.sessionMade();
  }

  /** To where the request came from, which may have another address than the IKE SA. */
  private answer(sa: IkeSa, request: IkePacket, changes: Partial<Message>): void {
    const { message, source, sourcePort } = request;
    const there = { ...sa, remote: source, remotePort: sourcePort };
    const packet = this.packetOf(there, { ...message, ...changes, step: 2 }, message.round > 0);
    this.answers.push({ messageId: message.messageId, packet });
    if (this.answers.length > ANSWERS_MAX) this.answers.shift();
    this.peer.transmit(packet);
  }

  // Sending

  private sendUntilAnswered(exchange: Exchange): void {
    exchange.sends += 1;
    this.send(exchange);
    this.queue.after(RETRANSMIT_FIRST_MS * 2 ** (exchange.sends - 1), this.repeat, exchange);
  }

  private readonly repeat: (this: void, exchange: Exchange) => void = (exchange) => {
    if (exchange.isOver) return;
    if (exchange.sends < SENDS_MAX) {
      this.sendUntilAnswered(exchange);
      return;
    }
    exchange.isOver = true;
    if (exchange === this.answered) this.answered = undefined;
    if (exchange !== this.exchange) return;
    this.exchange = undefined;
    this.peer.failed();
  };

  private send(exchange: Exchange): void {
    const { kind, messageId, round, step, inSpi, outSpi, newCookies } = exchange;
    const isClients = step === 2 ? !this.isClient : this.isClient;
    const message = {
      tunnel: this.tunnel,
      exchange: kind,
      messageId,
      step,
      isClients,
      round,
      inSpi,
      outSpi,
      newCookies,
    };
    this.peer.transmit(this.packetOf(exchange.sa, message, exchange.isFirstEpoch));
  }

  private packetOf(sa: IkeSa, message: Message, isFirst: boolean): IkePacket {
    const exchangeType = this.exchangeType(message.exchange, isFirst);
    const { version } = this.style;
    const { remote, remotePort, cookies } = sa;
    const ends = { source: this.address(), sourcePort: ISAKMP_PORT, destination: remote, destinationPort: remotePort };
    return { kind: "ike", ...ends, version, exchangeType, cookies, message };
  }

  private exchangeType(kind: ExchangeKind, isFirst: boolean): number {
    const { style } = this;
    if (kind === "session") return style.sessionExchange;
    if (kind === "epoch") return isFirst ? style.firstExchange : style.laterExchange;
    return kind === "rekey-ike" ? style.laterExchange : style.informationalExchange;
  }

  private chooseSpi(exchange: Exchange): void {
    const spi = this.peer.chooseSpi();
    if (this.isClient) exchange.inSpi = spi;
    else exchange.outSpi = spi;
  }

  private newCookies(): Cookies {
    const draw = (): number => drawSpi((limit) => this.random.below(limit));
    return { initiatorHigh: draw(), initiatorLow: draw(), responderHigh: 0, responderLow: 0 };
  }

  private isOfSa({ cookies }: IkePacket, sa: IkeSa): boolean {
    return sa.cookies.responderHigh === 0 && sa.cookies.responderLow === 0
      ? areEqualInitiators(cookies, sa.cookies)
      : areEqualCookies(cookies, sa.cookies);
  }

  private takeId(): number {
    this.nextId += 2;
    return this.nextId;
  }
}

function areEqualInitiators(one: Cookies, other: Cookies): boolean {
  return one.initiatorHigh === other.initiatorHigh && one.initiatorLow === other.initiatorLow;
}
