-- Library: JSON by RFC 8259, as strictly as the scheduler itself reads it, for records that it did not write.
--
-- Nothing is decoded: what counts is where each text begins and ends, so that it can be spliced as it is. Strings are passed
-- over in jumps, not byte by byte; containers are kept in a stack of our own, since Lua's would not hold as many.

-- json_members(text) -> {{name, key as it is written, value as it is written, all between the colon and what ends the
-- member}, …}, those of the one object that the text is, in their order | nil where it is something else
local function json_members(text)
    local find, byte, sub = string.find, string.byte, string.sub
    local nesting_max = 65536

    local function behind_space(place)
        local code = byte(text, place)
        if not code or code > 32 then
            return place
        end
        local _, last = find(text, '^[ \t\n\r]*', place)
        return last + 1
    end

    -- No overlong form, no surrogate, nothing past U+10FFFF.
    local function behind_character(place)
        local first = byte(text, place)
        local shape = first < 224 and '^[\194-\223][\128-\191]' or first == 224 and '^\224[\160-\191][\128-\191]' or
            first == 237 and '^\237[\128-\159][\128-\191]' or first < 240 and '^[\225-\239][\128-\191][\128-\191]' or
            first == 240 and '^\240[\144-\191][\128-\191][\128-\191]' or
            first < 244 and '^[\241-\243][\128-\191][\128-\191][\128-\191]' or
            '^\244[\128-\143][\128-\191][\128-\191]'
        local _, last = find(text, shape, place)
        return last and last + 1
    end

    local function behind_escape(place)
        if find(text, '^["\\/bfnrt]', place + 1) then
            return place + 2
        end
        local unit = tonumber(string.match(text, '^u(%x%x%x%x)', place + 1) or '', 16)
        if not unit or unit >= 56320 and unit < 57344 then
            return nil
        elseif unit < 55296 or unit >= 57344 then
            return place + 6
        end
        -- The first half of a surrogate pair.
        return find(text, '^\\u[dD][c-fC-F]%x%x', place + 6) and place + 12
    end

    -- Behind the string that begins there, if one does.
    local function behind_string(place)
        if byte(text, place) ~= 34 then
            return nil
        end
        place = place + 1
        while place do
            local _, last = find(text, '^[^"\\%z\1-\31\128-\255]*', place)
            place = last + 1
            local code = byte(text, place)
            if code == 34 then
                return place + 1
            elseif code == 92 then
                place = behind_escape(place)
            elseif code and code >= 128 then
                place = behind_character(place)
            else
                return nil
            end
        end
        return nil
    end

    -- The start of the value whose key begins there.
    local function behind_key(place)
        place = behind_string(place)
        place = place and behind_space(place)
        return place and byte(text, place) == 58 and behind_space(place + 1)
    end

    local function behind_number(place)
        local _, last = find(text, '^%-?%d+', place)
        if not last then
            return nil
        end
        place = byte(text, place) == 45 and place + 1 or place
        if byte(text, place) == 48 and last > place then
            return nil
        end
        local code = byte(text, last + 1)
        if code == 46 then
            _, last = find(text, '^%.%d+', last + 1)
            code = last and byte(text, last + 1)
        end
        if code == 69 or code == 101 then
            _, last = find(text, '^[eE][+-]?%d+', last + 1)
        end
        return last and last + 1
    end

    local function behind_literal(place)
        for _, word in ipairs({'true', 'false', 'null'}) do
            if sub(text, place, place + #word - 1) == word then
                return place + #word
            end
        end
        return nil
    end

    -- Behind the value that begins there; it is in one container already.
    local function behind_value(place)
        local closers, level = {}, 0
        while place do
            local code = byte(text, place)
            local is_open = false
            if code == 34 then
                place = behind_string(place)
            elseif code == 123 or code == 91 then
                if level + 1 >= nesting_max then
                    return nil
                end
                -- Two behind each opening bracket in ASCII comes its closing one.
                level = level + 1
                closers[level] = code + 2
                place = behind_space(place + 1)
                is_open = byte(text, place) ~= code + 2
                if not is_open then
                    level = level - 1
                    place = place + 1
                elseif code == 123 then
                    place = behind_key(place)
                end
            elseif code == 45 or code and code >= 48 and code <= 57 then
                place = behind_number(place)
            else
                place = behind_literal(place)
            end
            -- Where a value has ended, what ends with it is closed, or the next member begins.
            while place and not is_open do
                if level == 0 then
                    return place
                end
                place = behind_space(place)
                code = byte(text, place)
                if code == 44 then
                    place = behind_space(place + 1)
                    if closers[level] == 125 then
                        place = behind_key(place)
                    end
                    is_open = true
                elseif code == closers[level] then
                    level = level - 1
                    place = place + 1
                else
                    return nil
                end
            end
        end
        return nil
    end

    local function decoded(name)
        return find(name, '\\', 1, true) and cjson.decode('[' .. name .. ']')[1] or sub(name, 2, -2)
    end

    local place = behind_space(1)
    if byte(text, place) ~= 123 then
        return nil
    end
    local members = {}
    place = behind_space(place + 1)
    local is_last = byte(text, place) == 125
    while not is_last do
        local start, key_end = place, behind_string(place)
        local value = key_end and behind_key(place)
        local value_end = value and behind_value(value)
        if not value_end then
            return nil
        end
        local colon = find(text, ':', key_end, true)
        place = behind_space(value_end)
        local key = sub(text, start, key_end - 1)
        members[#members + 1] = {
            decoded(key), key, sub(text, value, value_end - 1), sub(text, colon + 1, place - 1),
        }
        is_last = byte(text, place) == 125
        if not is_last then
            if byte(text, place) ~= 44 then
                return nil
            end
            place = behind_space(place + 1)
        end
    end
    return behind_space(place + 1) > #text and members or nil
end
