/* Nothing is called by name: the library is put in front of libc (LD_PRELOAD) of the process whose clock is to jump. */
