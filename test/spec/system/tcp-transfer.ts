// SPDX-License-Identifier: GPL-2.0-only
// A program for specs: sends a file over TCP, or receives one, with the kernel's own TCP and its offloads.
//
//   luajit test/spec/system/tcp-transfer.lua receive FOLDER        FOLDER/received, and FOLDER/done at the end
//   luajit test/spec/system/tcp-transfer.lua send FOLDER ADDRESS   FOLDER/sent, to an address in hexadecimal

import { abi } from "../../../src/system/abi/constants";
import { byteArray, type BytePtr, create, declareC, networkOrder16, stringOf, typeOf } from "../../../src/system/ffi";

interface InternetAddress {
  family: number;
  port: number;
  address: BytePtr;
}

/** @noSelf */
interface TcpLibrary {
  socket(family: number, type: number, protocol: number): number;
  bind(fd: number, address: InternetAddress, lengthBytes: number): number;
  listen(fd: number, backlog: number): number;
  accept4(fd: number, address: undefined, lengthBytes: undefined, flags: number): number;
  connect(fd: number, address: InternetAddress, lengthBytes: number): number;
  send(fd: number, text: string, lengthBytes: number, flags: number): number;
  recv(fd: number, buffer: BytePtr, lengthBytes: number, flags: number): number;
  close(fd: number): number;
}

const C = declareC<TcpLibrary>(`
  int socket(int family, int type, int protocol);
  int bind(int fd, const void *address, unsigned length);
  int listen(int fd, int backlog);
  int accept4(int fd, void *address, void *length, int flags);
  int connect(int fd, const void *address, unsigned length);
  ssize_t send(int fd, const void *buffer, size_t length, int flags);
  ssize_t recv(int fd, void *buffer, size_t length, int flags);
  int close(int fd);
`);

const AF_INET = 2;
const ADDRESS_BYTES = 16;
const PORT = 4242;
const READ_BYTES = 65536;
/** The receiver may start to listen a moment after the sender starts. */
const CONNECT_TRIES = 50;

function addressOf(hexadecimal: string): InternetAddress {
  const address = create(
    typeOf<InternetAddress>("struct { uint16_t family, port; uint8_t address[4]; uint8_t zero[8]; }"),
  );
  address.family = AF_INET;
  address.port = networkOrder16(PORT);
  for (const at of $range(0, 3)) address.address[at] = tonumber(string.sub(hexadecimal, 2 * at + 1, 2 * at + 2), 16)!;
  return address;
}

function receive(folder: string): void {
  const listening = C.socket(AF_INET, abi.SOCK_STREAM, 0);
  if (C.bind(listening, addressOf("00000000"), ADDRESS_BYTES) !== 0) error("cannot bind");
  C.listen(listening, 1);
  const fd = C.accept4(listening, undefined, undefined, 0);
  const [file] = io.open(`${folder}/received`, "wb");
  const buffer = create(byteArray, READ_BYTES);
  let count = tonumber(C.recv(fd, buffer, READ_BYTES, 0))!;
  while (count > 0) {
    file!.write(stringOf(buffer, count));
    count = tonumber(C.recv(fd, buffer, READ_BYTES, 0))!;
  }
  file!.close();
  const [done] = io.open(`${folder}/done`, "w");
  done!.close();
}

function send(folder: string, address: string): void {
  const [file] = io.open(`${folder}/sent`, "rb");
  const text = file!.read("*a")!;
  file!.close();
  let fd = -1;
  for (const _ of $range(1, CONNECT_TRIES)) {
    fd = C.socket(AF_INET, abi.SOCK_STREAM, 0);
    if (C.connect(fd, addressOf(address), ADDRESS_BYTES) === 0) break;
    C.close(fd);
    os.execute("sleep 0.05");
  }
  let rest = text;
  while (rest !== "") {
    const sent = tonumber(C.send(fd, rest, math.min(string.len(rest), READ_BYTES * 4), 0))!;
    if (sent <= 0) error("cannot send");
    rest = string.sub(rest, sent + 1);
  }
  C.close(fd);
}

declare const arg: Record<number, string>;

if (arg[1] === "receive") receive(arg[2]);
else send(arg[2], arg[3]);
