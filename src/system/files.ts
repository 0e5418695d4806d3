// SPDX-License-Identifier: GPL-2.0-only
// Files as whole things: read one, add a record, put a new one in the place of the old. Errors name the path.

import { abi } from "./abi/constants";
import { errno, lastError } from "./errno";
import { byteArray, type BytePtr, create, declareC, lastErrorNumber, stringOf } from "./ffi";
import { fail, type Outcome, outcomeOf, succeed } from "./outcome";

/** @noSelf */
interface FileLibrary {
  open(path: string, flags: number, mode: number): number;
  close(fd: number): number;
  read(fd: number, buffer: BytePtr, lengthBytes: number): number;
  write(fd: number, text: string, lengthBytes: number): number;
  fsync(fd: number): number;
  rename(from: string, to: string): number;
  unlink(path: string): number;
  mkdir(path: string, mode: number): number;
}

const C = declareC<FileLibrary>(`
  int open(const char *path, int flags, unsigned mode);
  int close(int fd);
  ssize_t read(int fd, void *buffer, size_t length);
  ssize_t write(int fd, const void *buffer, size_t length);
  int fsync(int fd);
  int rename(const char *from, const char *to);
  int unlink(const char *path);
  int mkdir(const char *path, unsigned mode);
`);

/** fcntl.h */
const O_RDONLY = 0;
const O_WRONLY = 1;

const READ_BYTES = 4096;

/** Reads to the end, or one byte past `bytesMax`, which tells that there is more. */
function readAll(fd: number, path: string, bytesMax: number): Outcome<string> {
  const buffer = create(byteArray, READ_BYTES);
  const parts: string[] = [];
  let total = 0;
  while (total <= bytesMax) {
    const count = tonumber(C.read(fd, buffer, READ_BYTES))!;
    if (count === 0) return succeed(table.concat(parts));
    if (count > 0) {
      parts.push(stringOf(buffer, count));
      total += count;
    } else if (lastErrorNumber() !== errno.EINTR) {
      return fail(lastError(`${path}: cannot be read`));
    }
  }
  return fail(`${path}: larger than ${bytesMax} bytes`);
}

/** The whole file as a string; an error when it is larger than `bytesMax`. */
export function readFile(path: string, bytesMax: number): Outcome<string> {
  const fd = C.open(path, O_RDONLY | abi.O_CLOEXEC, 0);
  if (fd < 0) return fail(lastError(`${path}: cannot be opened`));
  const [text, problem] = readAll(fd, path, bytesMax);
  C.close(fd);
  return outcomeOf(text, problem);
}

/** One write: a record is whole or cut short, but never mixed with another's. */
function writeOnce(fd: number, path: string, text: string): Outcome<true> {
  const lengthBytes = string.len(text);
  const written = tonumber(C.write(fd, text, lengthBytes))!;
  if (written < 0) return fail(lastError(`${path}: cannot be written`));
  if (written < lengthBytes)
    return fail(`${path}: only ${written} of ${lengthBytes} bytes could be written (disk full?)`);
  return succeed(true as const);
}

function syncDescriptor(fd: number, path: string): Outcome<true> {
  if (C.fsync(fd) !== 0) return fail(lastError(`${path}: cannot be made durable`));
  return succeed(true as const);
}

function writeNew(path: string, text: string, sync: boolean, mode: number): Outcome<true> {
  const fd = C.open(path, O_WRONLY | abi.O_CREAT | abi.O_TRUNC | abi.O_CLOEXEC, mode);
  if (fd < 0) return fail(lastError(`${path}: cannot be created`));
  let [done, problem] = writeOnce(fd, path, text);
  if (done !== undefined && sync) [done, problem] = syncDescriptor(fd, path);
  C.close(fd);
  return outcomeOf(done, problem);
}

/** The folder a path is in; undefined for a name alone and for the root. */
function parentOf(path: string): string | undefined {
  return string.match(path, "^(.+)/[^/]*$")[0];
}

/** A rename is durable once the folder that holds the name is. */
function syncFolder(path: string): Outcome<true> {
  const fd = C.open(path, O_RDONLY | abi.O_DIRECTORY | abi.O_CLOEXEC, 0);
  if (fd < 0) return fail(lastError(`${path}: cannot be opened`));
  const [done, problem] = syncDescriptor(fd, path);
  C.close(fd);
  return outcomeOf(done, problem);
}

export interface ReplaceOptions {
  /** Wait until it would survive a power cut. Slow, and wears flash. */
  readonly sync: boolean;
  /** Permission bits, for instance 0o600. */
  readonly mode: number;
}

/**
 * Puts `text` in the place of the file in one step: a reader sees the old or the new one, never half of it. When it
 * fails, the old one is still there.
 */
export function replaceFile(path: string, text: string, options: ReplaceOptions): Outcome<true> {
  const newPath = `${path}.new`;
  const [written, problem] = writeNew(newPath, text, options.sync, options.mode);
  if (written === undefined) {
    C.unlink(newPath);
    return fail(problem);
  }
  if (C.rename(newPath, path) !== 0) {
    const cause = lastError(`${path}: cannot be replaced`);
    C.unlink(newPath);
    return fail(cause);
  }
  if (options.sync) return syncFolder(parentOf(path) ?? ".");
  return succeed(true as const);
}

/** Makes a folder and its parents, the new ones with the permission bits `mode`; no error when it is there. */
export function makeFolder(path: string, mode: number): Outcome<true> {
  if (C.mkdir(path, mode) === 0 || lastErrorNumber() === errno.EEXIST) return succeed(true as const);
  const cause = lastErrorNumber();
  const text = lastError(`${path}: cannot be made`);
  const parent = parentOf(path);
  if (cause !== errno.ENOENT || parent === undefined) return fail(text);
  const [made, problem] = makeFolder(parent, mode);
  if (made === undefined) return fail(problem);
  if (C.mkdir(path, mode) !== 0) return fail(lastError(`${path}: cannot be made`));
  return succeed(true as const);
}

/** Removes a file; no error when it is not there. */
export function removeFile(path: string): Outcome<true> {
  if (C.unlink(path) === 0 || lastErrorNumber() === errno.ENOENT) return succeed(true as const);
  return fail(lastError(`${path}: cannot be removed`));
}

/** A file that grows by records, each added with one write (O_APPEND), as a journal does. */
export class AppendFile {
  private constructor(
    private readonly path: string,
    private fd: number,
  ) {}

  /** Opens the file for adding to; makes it with the permission bits `mode` when it is not there. */
  static open(this: void, path: string, mode: number): Outcome<AppendFile> {
    const fd = C.open(path, O_WRONLY | abi.O_CREAT | abi.O_APPEND | abi.O_CLOEXEC, mode);
    if (fd < 0) return fail(lastError(`${path}: cannot be opened`));
    return succeed(new AppendFile(path, fd));
  }

  /** Adds one record. When this fails, part of the record may be there: records must be recognisable. */
  append(record: string): Outcome<true> {
    if (this.fd < 0) return fail(`${this.path}: closed`);
    return writeOnce(this.fd, this.path, record);
  }

  /** Returns once what was added would survive a power cut. */
  sync(): Outcome<true> {
    if (this.fd < 0) return fail(`${this.path}: closed`);
    return syncDescriptor(this.fd, this.path);
  }

  close(): void {
    if (this.fd >= 0) C.close(this.fd);
    this.fd = -1;
  }
}
