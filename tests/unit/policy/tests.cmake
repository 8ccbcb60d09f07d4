ccward_unit(policy policy)
ccward_unit(policy policy_swap LINKS Threads::Threads)
ccward_unit(policy policy_zone)
