// SPDX-License-Identifier: GPL-2.0-only
// A program: serves the files of a folder by HTTP, on every address of the network namespace that it is started in.
//
// Usage: node file-server.js FOLDER PORT ; it says one line when it listens.

import fs from "node:fs";
import http from "node:http";
import path from "node:path";

const [folder = ".", port = ""] = process.argv.slice(2);

http
  .createServer((request, response) => {
    const file = path.join(folder, path.basename(request.url ?? ""));
    if (!fs.existsSync(file)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-length": fs.statSync(file).size });
    fs.createReadStream(file).pipe(response);
  })
  .listen(Number(port), () => {
    console.log("listening");
  });
