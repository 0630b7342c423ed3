-- SPDX-License-Identifier: MIT
-- What wrk prints at its end for web.py, exact where its own table is rounded.
function done(summary, latency, requests)
    local errors = summary.errors
    print("bench requests " .. summary.requests)
    print("bench bytes " .. summary.bytes)
    print("bench errors " .. errors.connect + errors.read + errors.write +
          errors.status + errors.timeout)
end
