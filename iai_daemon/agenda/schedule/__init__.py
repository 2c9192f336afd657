"""When recalls are due: times, intervals, cron expressions, rules, and what changing clocks make of them."""
