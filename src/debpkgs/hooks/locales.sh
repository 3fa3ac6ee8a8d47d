# Programs find the locales of this package, beside C.UTF-8, which the C library has itself.
export LOCPATH=@out@/lib/locale
