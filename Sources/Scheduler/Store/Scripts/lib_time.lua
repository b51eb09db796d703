-- Library: the times of records.

-- moment(text) -> seconds since 1970-01-01T00:00:00Z, microseconds beside them | nil where the text is no time. It takes what
-- the scheduler takes: RFC 3339, and the naive form of the Python service, which is UTC; what is finer than a microsecond is cut.
local function moment(text)
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
    return seconds, tonumber(string.sub((fraction or '') .. '000000', 1, 6))
end

-- is_in_calendar(text) -> whether there is such a day and hour, of a text that is like one of our times otherwise
local function is_in_calendar(text)
    local month, month_digit, _, day, day_digit, _, hour, hour_digit = string.byte(text, 6, 13)
    month, day, hour = month * 10 + month_digit - 528, day * 10 + day_digit - 528, hour * 10 + hour_digit - 528
    return month >= 1 and month <= 12 and day >= 1 and hour <= 23 and (day <= 28 or moment(text) ~= nil)
end

-- is_own_time(text) -> whether the scheduler writes that moment so
local function is_own_time(text)
    return string.find(text, '^%d%d%d%d%-%d%d%-%d%dT%d%d:[0-5]%d:[0-5]%d%.%d%d%d%d%d%dZ$') ~= nil and is_in_calendar(text)
end

-- own_time(text) -> the moment as the scheduler writes it | nil where the text is no time. What four digits of a year can't say
-- stays as it is.
local function own_time(text)
    if is_own_time(text) then
        return text
    end
    local seconds, microseconds = moment(text)
    if not seconds then
        return nil
    end
    local days = math.floor(seconds / 86400)
    local second = seconds - days * 86400
    days = days + 719468
    local era = math.floor(days / 146097)
    local day_of_era = days - era * 146097
    local year_of_era = math.floor((day_of_era - math.floor(day_of_era / 1460) + math.floor(day_of_era / 36524) -
        math.floor(day_of_era / 146096)) / 365)
    local day_of_year = day_of_era - (365 * year_of_era + math.floor(year_of_era / 4) - math.floor(year_of_era / 100))
    local month_from_march = math.floor((5 * day_of_year + 2) / 153)
    local day = day_of_year - math.floor((153 * month_from_march + 2) / 5) + 1
    local month = month_from_march < 10 and month_from_march + 3 or month_from_march - 9
    local year = era * 400 + year_of_era + (month <= 2 and 1 or 0)
    if year < 0 or year > 9999 then
        return text
    end
    return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%06dZ', year, month, day, math.floor(second / 3600),
        math.floor(second / 60) % 60, second % 60, microseconds)
end
