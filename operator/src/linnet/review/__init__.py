"""What a policy can and can't do: at first sight (`lint`), and on one's own past (`backtest`)."""
