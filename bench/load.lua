-- What `make bench` gives to wrk, as name=value behind `--`:
--
--   lines=FILE width=N    a file of lines of N bytes (with the newline)
--   what=cookie|form      a line is a session's cookie (the otp cookie of a GET), or the form of a POST
--   order=next|random     one line after the other, beginning with first=N; or any of the first count=N lines
--   pipeline=N            N requests are sent at once
--   think=MS              each connection pauses so long, about, before a request
--
-- Without lines= every request is the same one.  The figures come as one line of JSON.

local function options(args)
    local found = {}
    for _, argument in ipairs(args) do
        local name, value = argument:match("^(%w+)=(.*)$")
        found[name] = tonumber(value) or value
    end
    return found
end

-- Writes requests around the line that differs; everything else is made once.
local function writer(what, width)
    if what == "cookie" then
        wrk.headers["Cookie"] = "otp=@"
        local head, tail = wrk.format("GET"):match("^(.*)@(.*)$")
        return function(line) return head .. line .. tail end
    end
    wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
    local head, tail = wrk.format("POST", nil, nil, string.rep("@", width - 1)):match("^(.*\r\n\r\n)@+(.*)$")
    return function(line) return head .. line .. tail end
end

local function reader(o)
    local file = assert(io.open(o.lines, "rb"))
    local data = file:read("*a")
    file:close()
    local all = #data / o.width
    local number = (o.first or 0) - 1
    local count = o.count or all
    return function()
        if o.order == "random" then
            number = math.random(0, count - 1)
        else
            number = (number + 1) % all
        end
        return data:sub(number * o.width + 1, (number + 1) * o.width - 1)
    end
end

function init(args)
    local o = options(args)
    math.randomseed(os.time())
    if o.lines then
        local write, read = writer(o.what, o.width), reader(o)
        if (o.pipeline or 1) == 1 then
            request = function() return write(read()) end
        else
            request = function()
                local all = {}
                for i = 1, o.pipeline do all[i] = write(read()) end
                return table.concat(all)
            end
        end
    end
    if o.think then
        delay = function() return math.random(math.floor(o.think * 0.5), math.floor(o.think * 1.5)) end
    end
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format('{"requests": %d, "seconds": %.6f, "bytes": %d, "p50_ms": %.4f, "p99_ms": %.4f, ' ..
        '"max_ms": %.4f, "refused": %d, "broken": %d}\n', summary.requests, summary.duration / 1e6, summary.bytes,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout))
end
