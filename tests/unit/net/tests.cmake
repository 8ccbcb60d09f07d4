ccward_unit(net listener)
ccward_unit(net loop LINKS Threads::Threads)
ccward_unit(net stream)
ccward_unit(net udp)
