// Expands rules by other libraries: reads lines of JSON with a rule, its local start and how many times are wanted, and
// writes for each the local times by rrule-temporal and by ical.js, or the words of an error.
import { createInterface } from "node:readline";
import "temporal-polyfill/global";
import ICAL from "ical.js";
import { RRuleTemporal } from "rrule-temporal";

/** Times by a library: of the rule alone, with the start first where the rule does not give it. */
function attempt(times) {
  try {
    return times();
  } catch (error) {
    return String(error);
  }
}

function byTemporal({ rule, start, limit, until }) {
  const text = `DTSTART:${start}Z\nRRULE:${rule.replace(/(UNTIL=\d{8}T\d{6})(?!Z)/, "$1Z")}`;
  const expanded = new RRuleTemporal({ rruleString: text, includeDtstart: true });
  return expanded
    .all((time, number) => number < limit && time.toPlainDateTime().toString() < until)
    .map((time) => time.toPlainDateTime().toString({ smallestUnit: "second" }))
    .filter((time) => time < until);
}

function byICAL({ rule, start, limit, until }) {
  const steps = ICAL.Recur.fromString(rule).iterator(ICAL.Time.fromString(start.replace(
    /(....)(..)(..)T(..)(..)(..)/, "$1-$2-$3T$4:$5:$6")));
  const times = [];
  for (let time = steps.next(); time && times.length < limit && time.toString() < until; time = steps.next()) {
    times.push(time.toString());
  }
  return times;
}

for await (const line of createInterface({ input: process.stdin })) {
  const wanted = JSON.parse(line);
  console.log(JSON.stringify([attempt(() => byTemporal(wanted)), attempt(() => byICAL(wanted))]));
}
