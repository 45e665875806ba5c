// Loaded into a measured node process by `--require`: at its end it writes down its peak memory, and every place that it opened a socket to.
"use strict";
const fs = require("node:fs");
const net = require("node:net");

const sockets = [];
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function measured(...args) {
  // The inner form of the arguments is an array [options, callback].
  const [first] = Array.isArray(args[0]) ? args[0] : args;
  const place = typeof first === "object" && first !== null ? first : { port: first, host: args[1] };
  sockets.push({ socket: this, place: place.path ?? `${place.host ?? "localhost"}:${place.port}` });
  return connect.apply(this, args);
};

process.on("exit", () => {
  const places = {};
  for (const { socket, place } of sockets) places[place] = (places[place] ?? 0) + socket.bytesRead;
  const usage = process.resourceUsage();
  const cpuMs = (usage.userCPUTime + usage.systemCPUTime) / 1000;
  fs.writeFileSync(process.env.BENCH_USAGE, JSON.stringify({ maxRssKiB: usage.maxRSS, cpuMs, places }));
});
