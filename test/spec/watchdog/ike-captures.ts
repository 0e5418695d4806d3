// SPDX-License-Identifier: GPL-2.0-only
// What the daemons really printed: libreswan 4.10 and strongSwan 5.9.8, each with a peer of its own kind.

/** `whack --status`, without the settings that nobody reads here: one IKEv2 connection that was just rekeyed, one of IKEv1,
 * and one whose peer does not answer. */
export const LIBRESWAN_STATUS = [
  "000 debug:",
  "000 Connection list:",
  '000 "office-1": 192.168.1.1/32===10.0.0.1[@a]...10.0.0.2[@b]===192.168.2.1/32; erouted; eroute owner' + ": #6",
  '000 "office-1":   ike_life: 28800s; ipsec_life: 28800s; ipsec_max_bytes: 2^63B; ipsec_max_packets: 2' +
    "^63; replay_window: 128; rekey_margin: 540s; rekey_fuzz: 100%; keyingtries: 0;",
  '000 "office-1":   policy: IKEv2+PSK+ENCRYPT+TUNNEL+PFS+UP+IKE_FRAG_ALLOW+ESN_NO+ESN_YES;',
  '000 "office-1":   newest IKE SA: #1; newest IPsec SA: #6; conn serial: $1;',
  '000 "office-2": 192.168.9.0/24===10.0.0.1[@a]...10.0.0.99[@nobody]===192.168.10.0/24; unrouted; erou' +
    "te owner: #0",
  '000 "office-2":   ike_life: 28800s; ipsec_life: 28800s; ipsec_max_bytes: 2^63B; ipsec_max_packets: 2' +
    "^63; replay_window: 128; rekey_margin: 540s; rekey_fuzz: 100%; keyingtries: 0;",
  '000 "office-2":   policy: IKEv2+PSK+ENCRYPT+TUNNEL+PFS+UP+IKE_FRAG_ALLOW+ESN_NO+ESN_YES;',
  '000 "office-2":   newest IKE SA: #0; newest IPsec SA: #0; conn serial: $3;',
  '000 "office-3": 192.168.1.3/32===10.0.0.1[@a]...10.0.0.2[@b]===192.168.2.3/32; erouted; eroute owner' + ": #4",
  '000 "office-3":   ike_life: 28800s; ipsec_life: 28800s; ipsec_max_bytes: 2^63B; ipsec_max_packets: 2' +
    "^63; replay_window: 128; rekey_margin: 540s; rekey_fuzz: 100%; keyingtries: 0;",
  '000 "office-3":   policy: IKEv1+PSK+ENCRYPT+TUNNEL+PFS+UP+IKE_FRAG_ALLOW+ESN_NO+ESN_YES;',
  "000 Total IPsec connections: loaded 3, active 2",
  '000 #1: "office-1":500 STATE_V2_ESTABLISHED_IKE_SA (established IKE SA); REKEY in 27988s; REPLACE in' +
    " 28798s; newest; idle;",
  '000 #2: "office-1":500 STATE_V2_ESTABLISHED_CHILD_SA (established Child SA); EXPIRE in 0s; IKE SA #1' + "; idle;",
  '000 #2: "office-1" esp.168f6cf0@10.0.0.2 esp.72ac3aab@10.0.0.1 tun.0@10.0.0.2 tun.0@10.0.0.1 Traffic' +
    ": ESPin=0B ESPout=0B ESPmax=2^63B ",
  '000 #6: "office-1":500 STATE_V2_ESTABLISHED_CHILD_SA (established Child SA); REKEY in 27876s; REPLAC' +
    "E in 28799s; newest; eroute owner; IKE SA #1; idle;",
  '000 #6: "office-1" esp.966cecbb@10.0.0.2 esp.3a1fdebe@10.0.0.1 tun.0@10.0.0.2 tun.0@10.0.0.1 Traffic' +
    ": ESPin=0B ESPout=0B ESPmax=2^63B ",
  '000 #5: "office-2":500 STATE_V2_PARENT_I1 (sent IKE_SA_INIT request); RETRANSMIT in 0s; idle;',
  '000 #5: pending CHILD SA for "office-2"',
  '000 #3: "office-3":500 STATE_MAIN_I4 (IKE SA established); REPLACE in 28032s; newest; lastdpd=-1s(se' +
    "q in:0 out:0); idle;",
  '000 #4: "office-3":500 STATE_QUICK_I2 (IPsec SA established); REPLACE in 27860s; newest; eroute owne' +
    "r; ISAKMP SA #3; idle;",
  '000 #4: "office-3" esp.e8ac2982@10.0.0.2 esp.d60e581@10.0.0.1 tun.0@10.0.0.2 tun.0@10.0.0.1 Traffic:' +
    " ESPin=0B ESPout=0B ESPmax=2^63B ",
].join("\n");

/** `swanctl --list-conns --raw` */
export const STRONGSWAN_CONNECTIONS = [
  "list-conn event {gw-2 {local_addrs=[10.0.0.1] remote_addrs=[10.0.0.2] version=IKEv2 reauth_time=0 re" +
    "key_time=14400 unique=UNIQUE_NO local-1 {id=a class=pre-shared key groups=[] cert_policy=[] certs=[]" +
    " cacerts=[]} remote-1 {class=pre-shared key groups=[] cert_policy=[] certs=[] cacerts=[]} children {" +
    "office-1 {mode=TUNNEL rekey_time=3600 rekey_bytes=0 rekey_packets=0 dpd_action=none close_action=non" +
    "e local-ts=[192.168.1.1/32] remote-ts=[192.168.2.1/32]} spare-1 {mode=TUNNEL rekey_time=3600 rekey_b" +
    "ytes=0 rekey_packets=0 dpd_action=none close_action=none local-ts=[192.168.77.0/24] remote-ts=[192.1" +
    "68.78.0/24]}}}}",
  "list-conn event {dead {local_addrs=[10.0.0.1] remote_addrs=[10.0.0.99] version=IKEv2 reauth_time=0 r" +
    "ekey_time=14400 unique=UNIQUE_NO local-1 {id=a class=pre-shared key groups=[] cert_policy=[] certs=[" +
    "] cacerts=[]} remote-1 {class=pre-shared key groups=[] cert_policy=[] certs=[] cacerts=[]} children " +
    "{office-2 {mode=TUNNEL rekey_time=3600 rekey_bytes=0 rekey_packets=0 dpd_action=none close_action=no" +
    "ne local-ts=[192.168.1.1/32] remote-ts=[192.168.22.0/24]}}}}",
  "list-conns reply {}",
].join("\n");

/** `swanctl --list-sas --raw` a moment after a rekey. */
export const STRONGSWAN_REKEYED = [
  "list-sa event {gw-2 {uniqueid=1 version=2 state=ESTABLISHED local-host=10.0.0.1 local-port=500 local" +
    "-id=a remote-host=10.0.0.2 remote-port=500 remote-id=b initiator=yes initiator-spi=84adfc59828aa8b2 " +
    "responder-spi=5b4d57a01f6120b4 encr-alg=AES_CBC encr-keysize=128 integ-alg=HMAC_SHA2_256_128 prf-alg" +
    "=PRF_HMAC_SHA2_256 dh-group=CURVE_25519 established=2 rekey-time=13906 child-sas {office-1-1 {name=o" +
    "ffice-1 uniqueid=1 reqid=1 state=DELETED mode=TUNNEL protocol=ESP spi-in=cae59400 spi-out=cc4398a4 e" +
    "ncr-alg=AES_GCM_16 encr-keysize=128 bytes-in=168 packets-in=2 bytes-out=0 packets-out=0 rekey-time=3" +
    "300 life-time=3958 install-time=3 local-ts=[192.168.1.1/32] remote-ts=[192.168.2.1/32]} office-1-2 {" +
    "name=office-1 uniqueid=2 reqid=1 state=INSTALLED mode=TUNNEL protocol=ESP spi-in=cb9b8234 spi-out=c2" +
    "daa6ff encr-alg=AES_GCM_16 encr-keysize=128 bytes-in=0 packets-in=0 bytes-out=0 packets-out=0 rekey-" +
    "time=3492 life-time=3960 install-time=0 local-ts=[192.168.1.1/32] remote-ts=[192.168.2.1/32]}}}}",
  "list-sas reply {}",
].join("\n");

/** The same while another connection's peer does not answer. */
export const STRONGSWAN_CONNECTING = [
  "list-sa event {dead {uniqueid=3 version=2 state=CONNECTING local-host=10.0.0.1 local-port=500 local-" +
    "id=%any remote-host=10.0.0.99 remote-port=500 remote-id=%any initiator=yes initiator-spi=001ac9f3df9" +
    "7bdcb responder-spi=0000000000000000 tasks-queued=[CHILD_CREATE] tasks-active=[IKE_VENDOR IKE_INIT I" +
    "KE_NATD IKE_CERT_PRE IKE_AUTH IKE_CERT_POST IKE_CONFIG IKE_AUTH_LIFETIME IKE_MOBIKE IKE_ESTABLISH CH" +
    "ILD_CREATE] child-sas {}}}",
  "list-sa event {gw-2 {uniqueid=2 version=2 state=ESTABLISHED local-host=10.0.0.1 local-port=500 local" +
    "-id=a remote-host=10.0.0.2 remote-port=500 remote-id=b initiator=yes initiator-spi=4f2aa6f885c75960 " +
    "responder-spi=824fec7cffb5995f encr-alg=AES_CBC encr-keysize=128 integ-alg=HMAC_SHA2_256_128 prf-alg" +
    "=PRF_HMAC_SHA2_256 dh-group=CURVE_25519 established=4 rekey-time=13831 child-sas {office-1-2 {name=o" +
    "ffice-1 uniqueid=2 reqid=1 state=INSTALLED mode=TUNNEL protocol=ESP spi-in=cb9b8234 spi-out=c2daa6ff" +
    " encr-alg=AES_GCM_16 encr-keysize=128 bytes-in=0 packets-in=0 bytes-out=0 packets-out=0 rekey-time=3" +
    "486 life-time=3954 install-time=6 local-ts=[192.168.1.1/32] remote-ts=[192.168.2.1/32]}}}}",
  "list-sas reply {}",
].join("\n");

/** The same with IKEv1. */
export const STRONGSWAN_IKEV1 = [
  "list-sa event {gw-2 {uniqueid=1 version=1 state=ESTABLISHED local-host=10.0.0.1 local-port=500 local" +
    "-id=a remote-host=10.0.0.2 remote-port=500 remote-id=b initiator=yes initiator-spi=6c45fe8afd7558b3 " +
    "responder-spi=5b279587fedf2b80 encr-alg=AES_CBC encr-keysize=128 integ-alg=HMAC_SHA2_256_128 prf-alg" +
    "=PRF_HMAC_SHA2_256 dh-group=CURVE_25519 established=1 rekey-time=13942 child-sas {office-1-1 {name=o" +
    "ffice-1 uniqueid=1 reqid=1 state=INSTALLED mode=TUNNEL protocol=ESP spi-in=c9991d06 spi-out=ca684f59" +
    " encr-alg=AES_GCM_16 encr-keysize=128 bytes-in=0 packets-in=0 bytes-out=0 packets-out=0 rekey-time=3" +
    "340 life-time=3959 install-time=1 local-ts=[192.168.1.1/32] remote-ts=[192.168.2.1/32]}}}}",
  "list-sas reply {}",
].join("\n");
