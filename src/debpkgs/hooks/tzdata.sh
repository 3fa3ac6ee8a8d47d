# Programs find the time zones of this package.
export TZDIR=@out@/share/zoneinfo
