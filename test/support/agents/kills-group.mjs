console.log("goodbye");
process.kill(0, "SIGKILL");
