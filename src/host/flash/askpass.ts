// SPDX-License-Identifier: GPL-2.0-only
// A program: what ssh starts to ask for a password (SSH_ASKPASS). It asks the process that carries out the plan, which
// remembers the answer (password.ts), and prints it.
//
// Usage: node askpass.js SOCKET PROMPT ; without an answer it ends with 1, and ssh goes on without one.

import net from "node:net";
import type { Question } from "./password.js";

const [socket = "", prompt = ""] = process.argv.slice(2);
const question: Question = { prompt, connection: process.ppid };

let answer = "";
net
  .connect(socket)
  .setEncoding("utf8")
  .on("data", (text: string) => (answer += text))
  .on("end", () => {
    process.stdout.write(answer);
    process.exitCode = answer === "" ? 1 : 0;
  })
  .write(`${JSON.stringify(question)}\n`);
