-- wrk's side: one address a thread, so that plain routing shares its load between the servers too; the result as JSON.
local addresses = {}
local threads = 0

function setup(thread)
  threads = threads + 1
  thread.addr = addresses[threads] or addresses[1]
end

function init(args) end

for address in os.getenv("SLBENCH_ADDRESSES"):gmatch("%S+") do
  for _, found in ipairs(wrk.lookup(address, "80")) do
    addresses[#addresses + 1] = found
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"errors":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
