-- Counts outcomes of some users, all or none: MemoryOutcomes says the same in Python.
-- KEYS: live, totals, then of each user: participant, history, seen
-- ARGV: experiment, now, day_s, ttl_s, history_ttl_s, most experiments, most days, most ids,
--       then of each user: variant, number of segments, segments..., number of outcomes, and of
--       each: id, at, remember_s, number of variables, and of each: name, amount
-- TERMS comes before this text: {metric|edge, y, d, at_least, {sums}, how many of them by part},
-- a sum being {its name, a letter, a second one or none}.
local LIVE, TOTALS = KEYS[1], KEYS[2]
local experiment = ARGV[1]
local now, day_s, ttl_s = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local most_days = tonumber(ARGV[7])
local NOTHING = {}
-- Longer than 64 bytes: Redis then keeps the hash as a table, not as a list to be searched through.
local ABOUT = 'Sums over users: variant|segment|day|metric|edge|product. See experiment-metrics.md.'
local place = 8
local first_day = math.floor(now / day_s)
local deltas = {}

local function take()
  place = place + 1
  return ARGV[place]
end

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

local function copy(values)
  local other = {}
  for name, amount in pairs(values) do other[name] = amount end
  return other
end

local function add(series, change)
  if change ~= 0 then deltas[series] = (deltas[series] or 0) + change end
end

-- One user's part of the arguments, with those of the outcomes that are new. These are remembered.
local function handed_in(number)
  local first = 3 * number
  local user = {
    key = KEYS[first], history_key = KEYS[first + 1],
    variant = take(), segments = {}, outcomes = {},
  }
  local seen, remember = KEYS[first + 2], 0
  for _ = 1, tonumber(take()) do table.insert(user.segments, take()) end
  redis.call('ZREMRANGEBYSCORE', seen, '-inf', ARGV[2])
  for _ = 1, tonumber(take()) do
    local id, at, remember_s, adds = take(), tonumber(take()), tonumber(take()), {}
    for _ = 1, tonumber(take()) do
      local name = take()
      adds[name] = tonumber(take())
    end
    if redis.call('ZADD', seen, 'NX', text(now + remember_s), id) == 1 then
      table.insert(user.outcomes, {at = at, adds = adds})
      remember = math.max(remember, remember_s)
    end
  end
  if remember > 0 then
    redis.call('ZREMRANGEBYRANK', seen, 0, -tonumber(ARGV[8]) - 1)
    if redis.call('TTL', seen) < remember then
      redis.call('EXPIRE', seen, math.ceil(remember))
    end
  end
  return user
end

-- Whether there is an experiment to count in; its first day is known then.
local function admitted()
  redis.call('ZREMRANGEBYSCORE', LIVE, '-inf', text(now - ttl_s))
  if experiment == '' then return false end
  local known = redis.call('ZSCORE', LIVE, experiment)
  if not known and redis.call('ZCARD', LIVE) >= tonumber(ARGV[6]) then return false end
  -- What an experiment of this name has left from before it was forgotten is not its own.
  if not known then redis.call('DEL', TOTALS) end
  redis.call('ZADD', LIVE, ARGV[2], experiment)
  redis.call('EXPIRE', LIVE, ARGV[4])
  if not known then redis.call('HSET', TOTALS, 'about', ABOUT, 'first_day', first_day) end
  first_day = tonumber(redis.call('HGET', TOTALS, 'first_day')) or first_day
  return true
end

-- A user in the experiment. Fields of the hash: v variant, g segments, d latest day, x crossed, and
-- of each variable: w. in all, t. on the latest day, b. before the experiment.
-- settled: what the sums hold of the user already; nil: nothing yet.
local function participant(user)
  local kept, found = read(user.key), {w = {}, t = {}, b = {}}
  user.served, user.changed, user.touched, user.forget = user.variant, {}, {}, {}
  user.whole, user.today, user.before = found.w, found.t, found.b
  user.joined, user.day = kept.v ~= nil, tonumber(kept.d or -1)
  if not user.joined then return end
  user.variant, user.crossed, user.segments = kept.v, kept.x, {}
  for segment in string.gmatch(kept.g, '[^,]+') do table.insert(user.segments, segment) end
  for name, amount in pairs(kept) do
    local letter, variable = string.match(name, '^([wtb])%.(.+)$')
    if letter then found[letter][variable] = tonumber(amount) end
  end
  user.settled, user.settled_today = copy(user.whole), copy(user.today)
end

local function join(user, history)
  user.joined, user.changed.v = true, user.variant
  user.changed.g = table.concat(user.segments, ',')
  for name, amount in pairs(history) do
    if name ~= 'day' then
      user.before[name] = tonumber(amount)
      user.changed['b.' .. name] = amount
    end
  end
  add(user.variant .. '|||||n', 1)
  for _, segment in ipairs(user.segments) do add(user.variant .. '|' .. segment .. '||||n', 1) end
end

local function letters(term, values, earlier)
  local y, x = values[term[2]] or 0, earlier[term[2]] or 0
  if term[4] > 0 then y, x = y >= term[4] and 1 or 0, x >= term[4] and 1 or 0 end
  return {y = y, d = values[term[3]] or 0, x = x}
end

local function change(of, present, past)
  local one, other = of[2], of[3]
  local new = present[one] * (other and present[other] or 1)
  return past and new - past[one] * (other and past[other] or 1) or new
end

-- Whether a term has not changed since; without an old one, whether there is nothing to it.
local function same(term, values, old, earlier)
  local y, d = term[2], term[3]
  if not old and earlier[y] then return false end
  old = old or NOTHING
  return values[y] == old[y] and values[d] == old[d]
end

local function settle_whole(user, term)
  local present = letters(term, user.whole, user.before)
  local past = user.settled and letters(term, user.settled, user.before)
  for i, of in ipairs(term[5]) do
    local name, by = '||' .. term[1] .. '|' .. of[1], change(of, present, past)
    if by ~= 0 then
      add(user.variant .. '|' .. name, by)
      if i <= term[6] then
        for _, segment in ipairs(user.segments) do
          add(user.variant .. '|' .. segment .. name, by)
        end
      end
    end
  end
end

local function settle_today(user, term)
  local present = letters(term, user.today, NOTHING)
  local past = user.settled_today and letters(term, user.settled_today, NOTHING)
  local name = user.variant .. '||' .. user.day .. '|' .. term[1] .. '|'
  for i = 1, term[6] do
    local of = term[5][i]
    add(name .. of[1], change(of, present, past))
  end
end

-- Replace what the user added to the sums before.
local function settle(user)
  user.today.days = user.whole.days
  for _, term in ipairs(TERMS) do
    if not same(term, user.whole, user.settled, user.before) then settle_whole(user, term) end
    if user.day < first_day + most_days
        and not same(term, user.today, user.settled_today, NOTHING) then
      settle_today(user, term)
    end
  end
  user.settled, user.settled_today = copy(user.whole), copy(user.today)
end

local function begin(user, day)
  if user.whole.days then settle(user) end
  for name in pairs(user.today) do user.forget[name] = true end
  user.day, user.today, user.settled_today = day, {}, nil
  user.whole.days = (user.whole.days or 0) + 1
  if day < first_day + most_days then add(user.variant .. '||' .. day .. '|||n', 1) end
end

local function count(user, outcome, day, history)
  if not user.joined then
    join(user, history)
  elseif user.served ~= user.variant and not user.crossed then
    user.crossed, user.changed.x = '1', '1'
    add(user.variant .. '|||||crossed', 1)
  end
  if day > user.day then begin(user, day) end
  for name, amount in pairs(outcome.adds) do
    user.whole[name] = (user.whole[name] or 0) + amount
    user.today[name] = (user.today[name] or 0) + amount
    user.touched[name] = true
  end
end

local function keep(user)
  user.changed.d = user.day
  user.touched.days = true
  for name in pairs(user.touched) do
    user.changed['w.' .. name] = user.whole[name]
    user.changed['t.' .. name] = user.today[name]
  end
  for name in pairs(user.forget) do
    if not user.today[name] then redis.call('HDEL', user.key, 't.' .. name) end
  end
  write(user.key, user.changed)
  redis.call('EXPIRE', user.key, ARGV[4])
end

local function record(user, takes_part)
  local history, added = read(user.history_key), {}
  if takes_part then participant(user) end
  for _, outcome in ipairs(user.outcomes) do
    -- Within a day of now: clocks of callers may be anywhere.
    local day = math.floor(math.max(math.min(outcome.at, now), now - day_s) / day_s)
    if takes_part then count(user, outcome, math.max(day, first_day), history) end
    for name, amount in pairs(outcome.adds) do
      history[name] = (tonumber(history[name]) or 0) + amount
      added[name] = history[name]
    end
    if day > tonumber(history.day or -1) then
      history.day, history.days = day, (tonumber(history.days) or 0) + 1
      added.day, added.days = history.day, history.days
    end
  end
  write(user.history_key, added)
  redis.call('EXPIRE', user.history_key, ARGV[5])
  if takes_part then
    settle(user)
    keep(user)
  end
end

local users, new = {}, 0
for number = 1, (#KEYS - 2) / 3 do
  local user = handed_in(number)
  if #user.outcomes > 0 then
    table.insert(users, user)
    new = new + #user.outcomes
  end
end
if new == 0 then return 0 end

local takes_part = admitted()
for _, user in ipairs(users) do record(user, takes_part) end
if takes_part then
  local names, sums = {}, {}
  for name in pairs(deltas) do table.insert(names, name) end
  for start = 1, #names, 4000 do
    local some = {unpack(names, start, math.min(start + 3999, #names))}
    for i, found in ipairs(redis.call('HMGET', TOTALS, unpack(some))) do
      sums[some[i]] = (tonumber(found) or 0) + deltas[some[i]]
    end
  end
  write(TOTALS, sums)
  redis.call('HINCRBY', TOTALS, 'revision', new)
  redis.call('EXPIRE', TOTALS, ARGV[4])
end
return new
