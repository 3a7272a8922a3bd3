# A module for NixOS. Its syntax and its unit are tested (tests/integration/test_script_packages.py); no NixOS has run it yet.
# In configuration.nix: imports = [ ./moxlite.nix ]; services.moxlite.enable = true;
# Then, once, as root: tar -xzf moxlite-VERSION-linux-x86_64.tar.gz -C /var/lib/moxlite-program --strip-components=1,
# and /var/lib/moxlite-program/moxlite --config /etc/moxlite/moxlite.toml quickstart you@example.org
{ config, lib, pkgs, ... }:
let
  cfg = config.services.moxlite;
in
{
  options.services.moxlite = {
    enable = lib.mkEnableOption "the moxlite mail server";
    program = lib.mkOption {
      type = lib.types.str;
      default = "/var/lib/moxlite-program/moxlite";
      description = "The program in the folder that the tarball was unpacked to; only root may change that folder.";
    };
    ports = lib.mkOption {
      type = lib.types.listOf lib.types.port;
      default = [ 25 80 443 465 587 993 ];
      description = "Ports that the firewall opens.";
    };
  };

  config = lib.mkIf cfg.enable {
    programs.nix-ld.enable = true; # the program is linked for other systems
    networking.firewall.allowedTCPPorts = cfg.ports;
    users.groups.moxlite = { };
    users.users.moxlite = {
      isSystemUser = true;
      group = "moxlite";
      home = "/var/lib/moxlite";
    };
    systemd.tmpfiles.rules = [
      "d /var/lib/moxlite-program 0755 root root"
      "d /etc/moxlite 3770 root moxlite"
      "d /var/lib/moxlite 2750 moxlite root"
      "d /var/backups/moxlite 0750 moxlite moxlite"
    ];
    systemd.services.moxlite = {
      description = "moxlite mail server";
      after = [ "network-online.target" ];
      wants = [ "network-online.target" ];
      wantedBy = [ "multi-user.target" ];
      # quickstart writes the one, the second machine the other
      unitConfig.ConditionPathExists = [ "|/etc/moxlite/moxlite.toml" "|/run/moxlite-follow/taking-over" ];
      serviceConfig = { # by script/gen, from the unit moxlite
        Type = "notify";
        # The server is a child of the process that systemd starts. That process forwards signals.
        NotifyAccess = "all";
        WatchdogSec = "60";
        Restart = "always";
        ExecStart = "${cfg.program} --config /etc/moxlite/moxlite.toml serve --after /run/moxlite-follow/taking-over";
        ExecReload = "${pkgs.coreutils}/bin/kill -HUP $MAINPID";
        KillMode = "mixed";
        # If memory runs out and the kernel kills a child process, the server starts another one.
        OOMPolicy = "continue";
        RestartSec = "5s";
        # Another machine is active, so don't restart.
        RestartPreventExitStatus = "6";
        LimitNOFILE = "65535";
        UMask = "007";
        WorkingDirectory = "/etc";
        ReadWritePaths = "/etc/moxlite /var/lib/moxlite -/var/backups/moxlite";
        ProtectSystem = "strict";
        ProtectHome = "yes";
        PrivateTmp = "yes";
        PrivateMounts = "yes";
        PrivateDevices = "yes";
        NoNewPrivileges = "yes";
        ProtectKernelTunables = "yes";
        ProtectKernelModules = "yes";
        ProtectKernelLogs = "yes";
        ProtectControlGroups = "yes";
        ProtectClock = "yes";
        ProtectHostname = "yes";
        ProtectProc = "invisible";
        ProcSubset = "pid";
        LockPersonality = "yes";
        RestrictRealtime = "yes";
        RestrictNamespaces = "yes";
        RemoveIPC = "yes";
        RestrictAddressFamilies = "AF_INET AF_INET6 AF_UNIX AF_NETLINK";
        SystemCallArchitectures = "native";
        # Sandbox processes use Landlock, which isn't in the system call sets of systemd 252 (Debian 12).
        SystemCallFilter = "@system-service landlock_create_ruleset landlock_add_rule landlock_restrict_self";
        SystemCallErrorNumber = "EPERM";
        CapabilityBoundingSet = "CAP_SETUID CAP_SETGID CAP_NET_BIND_SERVICE CAP_CHOWN CAP_FSETID CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_KILL";
      };
    };
    systemd.services.moxlite-follow = {
      description = "moxlite, second machine";
      after = [ "network-online.target" ];
      wants = [ "network-online.target" ];
      wantedBy = [ "multi-user.target" ];
      unitConfig.ConditionPathExists = "/etc/default/moxlite-follow"; # its options
      serviceConfig = { # by script/gen, from the unit moxlite-follow
        Type = "exec";
        # After taking over, this starts the server's own unit and exits.
        Restart = "on-failure";
        EnvironmentFile = "/etc/default/moxlite-follow";
        # A file here shows that a takeover has started. The server's unit loads, and waits until it's done.
        RuntimeDirectory = "moxlite-follow";
        RuntimeDirectoryPreserve = "restart";
        ExecStart = "${cfg.program} --config /etc/moxlite/moxlite.toml standby follow --into /var/lib/moxlite-standby --unit moxlite.service $FOLLOW";
        KillMode = "mixed";
        # If memory runs out and the kernel kills a child process, the server starts another one.
        OOMPolicy = "continue";
        RestartSec = "5s";
        # Another machine is active, so don't restart.
        RestartPreventExitStatus = "6";
        LimitNOFILE = "65535";
        UMask = "007";
        WorkingDirectory = "/etc";
        ReadWritePaths = "/etc /var/lib";
        ProtectSystem = "strict";
        ProtectHome = "yes";
        PrivateTmp = "yes";
        PrivateMounts = "yes";
        PrivateDevices = "yes";
        NoNewPrivileges = "yes";
        ProtectKernelTunables = "yes";
        ProtectKernelModules = "yes";
        ProtectKernelLogs = "yes";
        ProtectControlGroups = "yes";
        ProtectClock = "yes";
        ProtectHostname = "yes";
        ProtectProc = "invisible";
        ProcSubset = "pid";
        LockPersonality = "yes";
        RestrictRealtime = "yes";
        RestrictNamespaces = "yes";
        RemoveIPC = "yes";
        RestrictAddressFamilies = "AF_INET AF_INET6 AF_UNIX AF_NETLINK";
        SystemCallArchitectures = "native";
        # Sandbox processes use Landlock, which isn't in the system call sets of systemd 252 (Debian 12).
        SystemCallFilter = "@system-service landlock_create_ruleset landlock_add_rule landlock_restrict_self";
        SystemCallErrorNumber = "EPERM";
        CapabilityBoundingSet = "CAP_SETUID CAP_SETGID CAP_NET_BIND_SERVICE CAP_CHOWN CAP_FSETID CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_KILL";
      };
    };
  };
}
