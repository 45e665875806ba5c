console.log("I looked at it and did nothing.");
