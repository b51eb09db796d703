-- Library: the times of records.

-- microseconds(text) -> microseconds since 1970-01-01T00:00:00Z | nil where the text is no time. It takes what the scheduler
-- takes: RFC 3339, and the naive form of the Python service, which is UTC; what is finer than a microsecond is cut.
local function microseconds(text)
    local year, month, day, hour, minute, second, rest =
        string.match(text, '^(%d%d%d%d)%-(%d%d)%-(%d%d)[Tt ](%d%d):(%d%d):(%d%d)(.*)$')
    if not year then
        return nil
    end
    year, month, day = tonumber(year), tonumber(month), tonumber(day)
    hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second)
    local is_leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
    local days = {31, is_leap and 29 or 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
    if not days[month] or day < 1 or day > days[month] or hour > 23 or minute > 59 or second > 60 then
        return nil
    end
    local fraction, zone = string.match(rest, '^%.(%d+)(.*)$')
    if fraction and #fraction > 9 then
        return nil
    end
    zone = zone or rest
    local offset = 0
    if zone ~= '' and zone ~= 'Z' and zone ~= 'z' then
        local sign, hours, minutes = string.match(zone, '^([+-])(%d%d):(%d%d)$')
        if not sign or tonumber(hours) > 23 or tonumber(minutes) > 59 then
            return nil
        end
        offset = (tonumber(hours) * 60 + tonumber(minutes)) * (sign == '-' and -1 or 1)
    end
    -- Months are counted from March, so that the leap day is a year's last; 400 years are 146 097 days.
    local shifted = month > 2 and year or year - 1
    local era = math.floor(shifted / 400)
    local year_of_era = shifted - era * 400
    local day_of_year = math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
    local day_of_era = year_of_era * 365 + math.floor(year_of_era / 4) - math.floor(year_of_era / 100) + day_of_year
    local seconds = (era * 146097 + day_of_era - 719468) * 86400 + hour * 3600 + (minute - offset) * 60 + second
    return seconds * 1000000 + tonumber(string.sub((fraction or '') .. '000000', 1, 6))
end
