// SPDX-License-Identifier: GPL-2.0-only
// Lines of text over a unix socket: a server on the event loop, and a client that waits for one reply.
//
// The socket's mode is 0600, so the kernel keeps everybody but the owner out. Whoever is let in may still be broken:
// lines and waiting output are bounded, and a connection that passes a bound is closed.

import { abi } from "./abi/constants";
import { monotonicMs } from "./clock";
import { errno, lastError } from "./errno";
import { type EventLoop, READABLE, WRITABLE } from "./event-loop";
import {
  byteArray,
  type BytePtr,
  copyBytes,
  create,
  declareC,
  lastErrorNumber,
  type Ptr,
  stringOf,
  typeOf,
} from "./ffi";
import { makeFolder, removeFile } from "./files";
import { fail, type Outcome, outcomeOf, succeed } from "./outcome";

/** @noSelf */
interface UnixSocketLibrary {
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: UnixAddress, lengthBytes: number): number;
  listen(fd: number, backlog: number): number;
  accept4(fd: number, address: undefined, lengthBytes: undefined, flags: number): number;
  connect(fd: number, address: UnixAddress, lengthBytes: number): number;
  send(fd: number, text: string, lengthBytes: number, flags: number): number;
  recv(fd: number, buffer: BytePtr, lengthBytes: number, flags: number): number;
  umask(mask: number): number;
  poll(entries: Ptr<PollEntry>, count: number, timeoutMs: number): number;
  close(fd: number): number;
}

/** struct sockaddr_un */
interface UnixAddress {
  family: number;
  path: BytePtr;
}

interface PollEntry {
  fd: number;
  events: number;
}

const C = declareC<UnixSocketLibrary>(`
  int socket(int family, int type, int protocol);
  int bind(int fd, const void *address, unsigned length);
  int listen(int fd, int backlog);
  int accept4(int fd, void *address, void *length, int flags);
  int connect(int fd, const void *address, unsigned length);
  ssize_t send(int fd, const void *buffer, size_t length, int flags);
  ssize_t recv(int fd, void *buffer, size_t length, int flags);
  unsigned umask(unsigned mask);
  int poll(void *entries, unsigned long count, int timeout_ms);
  int close(int fd);
`);

/** sys/socket.h, equal everywhere. */
const AF_UNIX = 1;
const MSG_NOSIGNAL = 0x4000;

/** unix(7): sun_path with its closing zero. */
const PATH_BYTES = 108;
const UNIX_ADDRESS_BYTES = 2 + PATH_BYTES;
/** Nobody but the owner: what the socket's mode of 0777 loses. */
const OWNER_ONLY_MASK = 0o177;
const FOLDER_MODE = 0o755;
/** Connections that wait to be accepted; the command line makes one at a time. */
const BACKLOG = 8;
const READ_BYTES = 4096;
/** Before the next try when a connection could not be accepted: shorter than a client's patience, and no load. */
const ACCEPT_PAUSE_MS = 500;

const addressType = typeOf<UnixAddress>(`struct { uint16_t family; uint8_t path[${PATH_BYTES}]; }`);
const pollEntryArray = typeOf<Ptr<PollEntry>>("struct { int fd; short events; short revents; }[1]");
const readBuffer = create(byteArray, READ_BYTES);

function addressOf(path: string): Outcome<UnixAddress> {
  const lengthBytes = string.len(path);
  if (lengthBytes === 0 || lengthBytes >= PATH_BYTES) {
    return fail(`socket path "${path}" has ${lengthBytes} bytes; 1 … ${PATH_BYTES - 1} fit`);
  }
  const address = create(addressType);
  address.family = AF_UNIX;
  copyBytes(address.path, path, lengthBytes);
  return succeed(address);
}

/** A socket connected to a server, or why not. Connecting to a unix socket does not wait. */
function connectTo(path: string, address: UnixAddress): Outcome<number> {
  const fd = C.socket(AF_UNIX, abi.SOCK_STREAM + abi.SOCK_CLOEXEC + abi.SOCK_NONBLOCK, 0);
  if (fd < 0) return fail(lastError("unix socket"));
  if (C.connect(fd, address, UNIX_ADDRESS_BYTES) === 0) return succeed(fd);
  const problem = lastError(`${path}: no connection`);
  C.close(fd);
  return fail(problem);
}

export interface LineServerOptions {
  /** Where the socket appears; at most 107 bytes. */
  readonly path: string;
  /** More are accepted and closed at once. */
  readonly connectionsMax: number;
  /** Longest line taken, without its newline. A longer one closes the connection. */
  readonly lineBytesMax: number;
  /** Most bytes that wait for a slow reader. More closes the connection. */
  readonly outputBytesMax: number;
  /** A whole line arrived, without its newline. */
  readonly onLine: (this: void, connection: LineConnection, line: string) => void;
  /** The connection ended, whoever ended it. */
  readonly onClose?: (this: void, connection: LineConnection) => void;
}

/**
 * One connection to a {@link LineServer}. It takes one line a round of the loop, and only when the reply before has
 * left: what else the loop serves waits for one reply at most, and who does not read is not worked for.
 */
export class LineConnection {
  private input = "";
  private output = "";
  private isOpen = true;

  constructor(
    private readonly loop: EventLoop,
    private readonly fd: number,
    private readonly options: LineServerOptions,
    private readonly onEnd: (this: void, connection: LineConnection) => void,
  ) {
    this.awaitTurn();
  }

  /** Sends text (lines end with a newline). False when the connection is closed, or closed now for reading too slowly. */
  send(text: string): boolean {
    if (!this.isOpen) return false;
    this.output += text;
    this.flush();
    if (string.len(this.output) > this.options.outputBytesMax) this.close();
    return this.isOpen;
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.loop.unwatch(this.fd);
    C.close(this.fd);
    this.onEnd(this);
    this.options.onClose?.(this);
  }

  private awaitTurn(): void {
    const interest = this.output !== "" || this.lineBytes() >= 0 ? WRITABLE : READABLE;
    this.loop.watch(this.fd, interest, () => {
      this.takeTurn();
    });
  }

  private takeTurn(): void {
    if (this.output !== "") this.flush();
    else if (this.lineBytes() < 0) this.read();
    if (this.isOpen && this.output === "") this.takeLine();
    if (this.isOpen) this.awaitTurn();
  }

  private flush(): void {
    const sent = tonumber(C.send(this.fd, this.output, string.len(this.output), MSG_NOSIGNAL))!;
    if (sent > 0) this.output = string.sub(this.output, sent + 1);
    else if (sent < 0 && lastErrorNumber() !== errno.EAGAIN) this.close();
  }

  private read(): void {
    const count = tonumber(C.recv(this.fd, readBuffer, READ_BYTES, 0))!;
    if (count > 0) this.input += stringOf(readBuffer, count);
    else if (count === 0 || lastErrorNumber() !== errno.EAGAIN) this.close();
  }

  /** Of the next line, without its newline; -1 when none has arrived whole. */
  private lineBytes(): number {
    return (string.find(this.input, "\n", 1, true)[0] ?? 0) - 1;
  }

  private takeLine(): void {
    const lengthBytes = this.lineBytes();
    if (lengthBytes < 0) {
      if (string.len(this.input) > this.options.lineBytesMax) this.close();
      return;
    }
    const line = string.sub(this.input, 1, lengthBytes);
    this.input = string.sub(this.input, lengthBytes + 2);
    if (lengthBytes > this.options.lineBytesMax) this.close();
    else this.options.onLine(this, line);
  }
}

/** Accepts connections at a path and hands on their lines. */
export class LineServer {
  private readonly connections = new LuaTable<LineConnection, true>();
  private connectionCount = 0;

  private constructor(
    private readonly loop: EventLoop,
    private readonly options: LineServerOptions,
    private fd: number,
  ) {}

  /**
   * Listens at `options.path`, for the owner only (mode 0600); makes its folder. A socket left behind by a dead
   * server is replaced; where a server answers, this one refuses.
   */
  static listen(this: void, loop: EventLoop, options: LineServerOptions): Outcome<LineServer> {
    const [address, addressProblem] = addressOf(options.path);
    if (address === undefined) return fail(addressProblem);
    const [cleared, problem] = clearPath(options.path, address);
    if (cleared === undefined) return fail(problem);
    const [fd, listenProblem] = listenAt(options.path, address);
    if (fd === undefined) return fail(listenProblem);
    const server = new LineServer(loop, options, fd);
    server.awaitConnection();
    return succeed(server);
  }

  /** Closes all connections and removes the socket. */
  close(): void {
    if (this.fd < 0) return;
    this.loop.unwatch(this.fd);
    removeFile(this.options.path);
    C.close(this.fd);
    this.fd = -1;
    const open: LineConnection[] = [];
    for (const [connection] of pairs(this.connections)) open.push(connection);
    for (const connection of open) connection.close();
  }

  private awaitConnection(): void {
    if (this.fd < 0) return;
    this.loop.watch(this.fd, READABLE, () => {
      this.accept();
    });
  }

  private accept(): void {
    const fd = C.accept4(this.fd, undefined, undefined, abi.SOCK_NONBLOCK + abi.SOCK_CLOEXEC);
    if (fd < 0) {
      if (lastErrorNumber() !== errno.EAGAIN) this.pauseAccepting();
      return;
    }
    if (this.connectionCount >= this.options.connectionsMax) {
      C.close(fd);
      return;
    }
    this.connectionCount += 1;
    const connection = new LineConnection(this.loop, fd, this.options, (ended) => {
      this.connections.delete(ended);
      this.connectionCount -= 1;
    });
    this.connections.set(connection, true);
  }

  /** Without a descriptor or memory for it, the connection keeps waiting and poll(2) keeps telling of it. */
  private pauseAccepting(): void {
    this.loop.unwatch(this.fd);
    this.loop.after(ACCEPT_PAUSE_MS, () => {
      this.awaitConnection();
    });
  }
}

/** Makes the path free to bind to, unless a server answers there. */
function clearPath(path: string, address: UnixAddress): Outcome<true> {
  const folder = string.match(path, "^(.+)/[^/]*$")[0];
  if (folder !== undefined) {
    const [made, problem] = makeFolder(folder, FOLDER_MODE);
    if (made === undefined) return fail(problem);
  }
  const [other] = connectTo(path, address);
  if (other !== undefined) {
    C.close(other);
    return fail(`${path}: another server answers there`);
  }
  return removeFile(path);
}

function listenAt(path: string, address: UnixAddress): Outcome<number> {
  const fd = C.socket(AF_UNIX, abi.SOCK_STREAM + abi.SOCK_CLOEXEC + abi.SOCK_NONBLOCK, 0);
  if (fd < 0) return fail(lastError("unix socket"));
  // The mode must be right from the first moment: a chmod afterwards would leave a gap.
  const before = C.umask(OWNER_ONLY_MASK);
  const bound = C.bind(fd, address, UNIX_ADDRESS_BYTES);
  const problem = bound === 0 ? "" : lastError(`${path}: cannot be made`);
  C.umask(before);
  if (bound === 0 && C.listen(fd, BACKLOG) === 0) return succeed(fd);
  C.close(fd);
  return fail(bound === 0 ? `${path}: cannot listen` : problem);
}

export interface AskOptions {
  /** For the whole exchange. */
  readonly timeoutMs: number;
  /** Longest reply taken. */
  readonly replyBytesMax: number;
}

/** Sends one line to a server and waits for its reply of one line, both without the newline. */
export function askServer(path: string, line: string, options: AskOptions): Outcome<string> {
  const [address, addressProblem] = addressOf(path);
  if (address === undefined) return fail(addressProblem);
  const [fd, problem] = connectTo(path, address);
  if (fd === undefined) return fail(problem);
  const deadlineMs = monotonicMs() + options.timeoutMs;
  const [sent, sendProblem] = sendBefore(fd, path, `${line}\n`, deadlineMs);
  if (sent === undefined) {
    C.close(fd);
    return fail(sendProblem);
  }
  const [reply, replyProblem] = readLineBefore(fd, path, options.replyBytesMax, deadlineMs);
  C.close(fd);
  return outcomeOf(reply, replyProblem);
}

/** Waits until the socket is ready or the time is over; whether it is ready. */
function awaitReady(fd: number, interest: number, deadlineMs: number): boolean {
  const entries = create(pollEntryArray);
  entries[0].fd = fd;
  entries[0].events = interest;
  const leftMs = math.max(0, math.ceil(deadlineMs - monotonicMs()));
  return C.poll(entries, 1, leftMs) > 0;
}

function sendBefore(fd: number, path: string, text: string, deadlineMs: number): Outcome<true> {
  let rest = text;
  while (rest !== "") {
    if (!awaitReady(fd, WRITABLE, deadlineMs)) return fail(`${path}: the server takes no request`);
    const sent = tonumber(C.send(fd, rest, string.len(rest), MSG_NOSIGNAL))!;
    if (sent < 0) return fail(lastError(`${path}: request not sent`));
    rest = string.sub(rest, sent + 1);
  }
  return succeed(true as const);
}

function readLineBefore(fd: number, path: string, bytesMax: number, deadlineMs: number): Outcome<string> {
  const parts: string[] = [];
  let total = 0;
  while (total <= bytesMax) {
    if (!awaitReady(fd, READABLE, deadlineMs)) return fail(`${path}: no reply in time`);
    const count = tonumber(C.recv(fd, readBuffer, READ_BYTES, 0))!;
    if (count < 0) return fail(lastError(`${path}: no reply`));
    if (count === 0) return fail(`${path}: the server closed without a whole reply`);
    const part = stringOf(readBuffer, count);
    parts.push(part);
    total += count;
    if (string.find(part, "\n", 1, true)[0] !== undefined) {
      return succeed(string.match(table.concat(parts), "^([^\n]*)")[0]);
    }
  }
  return fail(`${path}: the reply is larger than ${bytesMax} bytes`);
}
