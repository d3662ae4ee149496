"""The dashboards with something to show: releases under load on this machine, and pictures."""
