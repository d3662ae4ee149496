-- Counts outcomes of one user, all or none: MemoryOutcomes says the same in Python.
-- KEYS: experiments, totals, participant, history, seen (the last three of the user)
-- ARGV: experiment, variant, now, day_s, ttl_s, history_ttl_s, most experiments, most days, most ids,
--       number of segments, segments..., then of each outcome: id, at, remember_s, number of
--       variables, and of each variable: name, amount
-- TERMS comes before this text: {metric|edge, y, d, at_least, {sums}, how many of them by part}.
local experiment, variant = ARGV[1], ARGV[2]
local now, day_s, ttl_s = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local most_days = tonumber(ARGV[8])
local place = 10

local function take()
  place = place + 1
  return ARGV[place]
end

local segments = {}
for _ = 1, tonumber(ARGV[10]) do segments[#segments + 1] = take() end

local function text(number) return string.format('%.17g', number) end

local function read(key)
  local found, fields = {}, redis.call('HGETALL', key)
  for i = 1, #fields, 2 do found[fields[i]] = fields[i + 1] end
  return found
end

local function write(key, fields)
  local list = {}
  for name, value in pairs(fields) do
    list[#list + 1] = name
    list[#list + 1] = type(value) == 'number' and text(value) or value
    if #list >= 4000 then
      redis.call('HSET', key, unpack(list))
      list = {}
    end
  end
  if #list > 0 then redis.call('HSET', key, unpack(list)) end
end

-- What is new of what was handed in.
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', ARGV[3])
local outcomes, remember = {}, 0
while place < #ARGV do
  local id, at, remember_s, adds = take(), tonumber(take()), tonumber(take()), {}
  for _ = 1, tonumber(take()) do
    local name = take()
    adds[name] = tonumber(take())
  end
  if redis.call('ZADD', KEYS[5], 'NX', text(now + remember_s), id) == 1 then
    outcomes[#outcomes + 1] = {at = at, adds = adds}
    remember = math.max(remember, remember_s)
  end
end
if #outcomes == 0 then return 0 end
redis.call('ZREMRANGEBYRANK', KEYS[5], 0, -tonumber(ARGV[9]) - 1)
if redis.call('TTL', KEYS[5]) < remember then
  redis.call('EXPIRE', KEYS[5], math.ceil(remember))
end

-- Whether there is an experiment to count them in.
local first_day = math.floor(now / day_s)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', text(now - ttl_s))
if experiment ~= '' then
  local known = redis.call('ZSCORE', KEYS[1], experiment)
  if not known and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[7]) then
    experiment = ''
  else
    -- What an experiment of this name has left from before it was forgotten is not its own.
    if not known then redis.call('DEL', KEYS[2]) end
    redis.call('ZADD', KEYS[1], text(now), experiment)
    redis.call('HSETNX', KEYS[2], 'first_day', first_day)
    first_day = tonumber(redis.call('HGET', KEYS[2], 'first_day'))
  end
end

-- The user as they were. Fields of a participant: v variant, g segments, d latest day, x crossed,
-- and of each variable: w. in all, t. on the latest day, b. before the experiment.
local history = read(KEYS[4])
local user, kept, whole, today, before, forget = {}, {}, {}, {}, {}, {}
local joined, deltas = false, {}
if experiment ~= '' then
  kept = read(KEYS[3])
  joined = kept.v ~= nil
  if joined then
    segments = {}
    for segment in string.gmatch(kept.g or '', '[^,]+') do segments[#segments + 1] = segment end
    for name, value in pairs(kept) do
      local letter, variable = string.match(name, '^([wtb])%.(.+)$')
      if letter == 'w' then whole[variable] = tonumber(value) end
      if letter == 't' then today[variable] = tonumber(value) end
      if letter == 'b' then before[variable] = tonumber(value) end
    end
  end
end
local day = tonumber(kept.d or -1)

local function add(series, change)
  if change ~= 0 then deltas[series] = (deltas[series] or 0) + change end
end

local function value(term, values)
  local found = values[term[2]] or 0
  if term[4] == 0 then return found end
  return found >= term[4] and 1 or 0
end

local function letters(term, values, earlier)
  return {
    y = value(term, values), d = values[term[3]] or 0, x = value(term, earlier),
  }
end

local function product(of, found)
  local result = 1
  for letter in string.gmatch(of, '.') do result = result * found[letter] end
  return result
end

local function copy(values)
  local other = {}
  for name, amount in pairs(values) do other[name] = amount end
  return other
end

local NOTHING = {}

-- Replace what the user added to the sums before; old nil: nothing yet.
local function replace(old, old_today)
  for _, term in ipairs(TERMS) do
    local present = letters(term, whole, before)
    local past = old and letters(term, old, before)
    local present_day = letters(term, today, NOTHING)
    local past_day = old_today and letters(term, old_today, NOTHING)
    for i, of in ipairs(term[5]) do
      local name = '|' .. term[1] .. '|' .. of
      local part = i <= term[6]
      local change = product(of, present) - (past and product(of, past) or 0)
      if change ~= 0 then
        add(variant .. '||' .. name, change)
        if part then
          for _, segment in ipairs(segments) do
            add(variant .. '|' .. segment .. '|' .. name, change)
          end
        end
      end
      if part and day < first_day + most_days then
        change = product(of, present_day) - (past_day and product(of, past_day) or 0)
        add(variant .. '||' .. day .. name, change)
      end
    end
  end
end

local function join()
  joined, kept.v, kept.g = true, variant, table.concat(segments, ',')
  for name, amount in pairs(history) do
    if name ~= 'day' then before[name] = tonumber(amount) end
  end
  user.v, user.g = kept.v, kept.g
  for name, amount in pairs(before) do user['b.' .. name] = amount end
  add(variant .. '|||||n', 1)
  for _, segment in ipairs(segments) do add(variant .. '|' .. segment .. '||||n', 1) end
end

local function count(outcome, at_day)
  local old, old_today = copy(whole), copy(today)
  if not joined then
    join()
    old = nil
  elseif variant ~= kept.v then
    if not kept.x then add(kept.v .. '|||||crossed', 1) end
    kept.x, user.x, variant = '1', '1', kept.v
  end
  if at_day > day then
    day, old_today = at_day, nil
    for name in pairs(today) do forget[name] = true end
    today = {}
    whole.days = (whole.days or 0) + 1
    if day < first_day + most_days then add(variant .. '||' .. day .. '|||n', 1) end
  end
  for name, amount in pairs(outcome.adds) do
    whole[name] = (whole[name] or 0) + amount
    today[name] = (today[name] or 0) + amount
  end
  today.days = whole.days
  replace(old, old_today)
end

for _, outcome in ipairs(outcomes) do
  -- Within a day of now: clocks of callers may be anywhere.
  local at_day = math.floor(math.max(math.min(outcome.at, now), now - day_s) / day_s)
  if experiment ~= '' then count(outcome, math.max(at_day, first_day)) end
  for name, amount in pairs(outcome.adds) do
    history[name] = (tonumber(history[name]) or 0) + amount
  end
  if at_day > tonumber(history.day or -1) then
    history.day, history.days = at_day, (tonumber(history.days) or 0) + 1
  end
end

write(KEYS[4], history)
redis.call('EXPIRE', KEYS[4], ARGV[6])
if experiment ~= '' then
  for name, amount in pairs(whole) do user['w.' .. name] = amount end
  for name, amount in pairs(today) do
    user['t.' .. name] = amount
    forget[name] = nil
  end
  for name in pairs(forget) do redis.call('HDEL', KEYS[3], 't.' .. name) end
  user.d = day
  write(KEYS[3], user)
  redis.call('EXPIRE', KEYS[3], ARGV[5])
  local names, sums = {}, {}
  for name in pairs(deltas) do names[#names + 1] = name end
  for start = 1, #names, 4000 do
    local some = {unpack(names, start, math.min(start + 3999, #names))}
    for i, found in ipairs(redis.call('HMGET', KEYS[2], unpack(some))) do
      sums[some[i]] = (tonumber(found) or 0) + deltas[some[i]]
    end
  end
  write(KEYS[2], sums)
  redis.call('HINCRBY', KEYS[2], 'revision', #outcomes)
  redis.call('EXPIRE', KEYS[2], ARGV[5])
end
return #outcomes
