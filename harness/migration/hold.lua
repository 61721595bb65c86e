-- Holds a write back while writes are stopped, and lets it go on once they are not; entry.cfg refuses it after $hold_s s.
core.register_action("hold", { "http-req" }, function(txn)
    local last = $hold_s * 50
    for _ = 1, last do
        if txn:get_var("proc.writes") ~= "stopped" then
            return
        end
        core.msleep(20)
    end
end, 0)
