-- wrk's side. Connections go to the addresses in turn, one by one, so that plain routing spreads each generator's load over the
-- servers as a virtual service does: one that always met the server on its own core, or met the servers in bursts, would be
-- faster for that alone.
-- SLBENCH_CLOSE: "all", every request ends its connection; "first", only those made before the turns begin.
local addresses = {}
for address in os.getenv("SLBENCH_ADDRESSES"):gmatch("%S+") do
  for _, found in ipairs(wrk.lookup(address, "80")) do
    addresses[#addresses + 1] = found
  end
end

-- wrk opens its connections before it asks for a request: they all go to one address
local opened = tonumber(os.getenv("SLBENCH_CONNECTIONS"))
local last = os.getenv("SLBENCH_CLOSE") == "all" and math.huge or opened
local count = 0
local turn = 0
local closing, keeping

function setup(thread)
  thread.addr = addresses[1]
end

function init(args)
  keeping = wrk.format()
  closing = wrk.format(nil, nil, { Host = wrk.headers["Host"], Connection = "close" })
end

function request()
  count = count + 1
  return count <= last and closing or keeping
end

-- called for each response just before wrk connects anew: the only place from which every connection gets an address of its own
function response()
  turn = turn % #addresses + 1
  wrk.thread.addr = addresses[turn]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"microseconds":%d,"errors":%d}\n',
    summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
