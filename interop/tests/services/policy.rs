//! How TLS is demanded of servers: MTA-STS, REQUIRETLS, nothing. The policies are served by Python's http.server, and
//! the mail is taken by aiosmtpd.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use scop_interop::peer::Peer;
use scop_interop::program::{Authority, Certificate, free_port};
use serde_json::json;

use crate::send::wait;
use crate::world::World;

/// The certificate of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Good,
    OtherName,
    Expired,
    SelfSigned,
    /// No STARTTLS.
    Nothing,
}

/// A domain: its mode of MTA-STS, the server's certificate, whether mail arrives.
struct Case {
    name: &'static str,
    /// None: there is no policy.
    mode: Option<&'static str>,
    /// The `mx` line of the policy; the server's own name without it.
    mx: Option<&'static str>,
    shown: Shown,
    /// The policy is served under a certificate for it.
    policy_is_vouched_for: bool,
    arrives: bool,
}

const fn case(name: &'static str, mode: Option<&'static str>, shown: Shown, arrives: bool) -> Case {
    Case {
        name,
        mode,
        mx: None,
        shown,
        policy_is_vouched_for: true,
        arrives,
    }
}

const CASES: [Case; 12] = [
    case("enforce-good", Some("enforce"), Shown::Good, true),
    case("enforce-name", Some("enforce"), Shown::OtherName, false),
    case("enforce-expired", Some("enforce"), Shown::Expired, false),
    case("enforce-self", Some("enforce"), Shown::SelfSigned, false),
    case("enforce-nothing", Some("enforce"), Shown::Nothing, false),
    Case {
        mx: Some("*.elsewhere.test"),
        ..case("enforce-mx", Some("enforce"), Shown::Good, false)
    },
    case("testing-name", Some("testing"), Shown::OtherName, true),
    case("testing-nothing", Some("testing"), Shown::Nothing, true),
    case("none-self", Some("none"), Shown::SelfSigned, true),
    case("no-policy", None, Shown::SelfSigned, true),
    case("no-policy-nothing", None, Shown::Nothing, true),
    Case {
        policy_is_vouched_for: false,
        ..case("unvouched", Some("enforce"), Shown::SelfSigned, true)
    },
];

fn host(number: usize) -> String {
    format!("127.0.3.{}", number + 1)
}

/// What the DNS says of all cases.
fn zone() -> String {
    let lines = CASES.iter().enumerate().flat_map(|(number, case)| {
        let Case { name, mode, .. } = case;
        let mut lines = vec![
            format!("mx-host={name}.test,mx.{name}.test,10"),
            format!("host-record=mx.{name}.test,{}", host(number)),
            format!("txt-record=_smtp._tls.{name}.test,\"v=TLSRPTv1; rua=mailto:tls@report.test\""),
        ];
        if mode.is_some() {
            lines.push(format!("txt-record=_mta-sts.{name}.test,\"v=STSv1; id=1\""));
            lines.push(format!("host-record=mta-sts.{name}.test,127.0.0.1"));
        }
        lines
    });
    lines.map(|line| line + "\n").collect()
}

/// The server that has the policies.
fn policies(world: &World, authority: &Authority) -> Option<Peer> {
    let policies = world.path("policies");
    fs::create_dir(&policies).unwrap();
    let mut vouched_for = Vec::new();
    for case in &CASES {
        let (name, own) = (case.name, format!("mx.{}.test", case.name));
        let Some(mode) = case.mode else { continue };
        let mx = case.mx.unwrap_or(&own);
        let policy = format!("version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: 86400\r\n");
        fs::write(policies.join(format!("mta-sts.{name}.test")), policy).unwrap();
        if case.policy_is_vouched_for {
            vouched_for.push(format!("mta-sts.{name}.test"));
        }
    }
    let folder = world.path("https");
    fs::create_dir(&folder).unwrap();
    authority.certify(&vouched_for, false).write(&folder);
    let file = |name: &str| folder.join(name).display().to_string();
    let arguments = [
        &*file("cert.pem"),
        &*file("key.pem"),
        policies.to_str().unwrap(),
    ];
    Peer::python_with("https_peer.py", &arguments, "https")
}

/// The server of a case, which takes mail.
fn server(world: &World, authority: &Authority, number: usize, port: u16) -> Option<Peer> {
    let case = &CASES[number];
    let own = format!("mx.{}.test", case.name);
    let certificate = match case.shown {
        Shown::Good => Some(authority.certify(&[own], false)),
        Shown::OtherName => Some(authority.certify(&["mx.elsewhere.test".to_owned()], false)),
        Shown::Expired => Some(authority.certify(&[own], true)),
        Shown::SelfSigned => Some(Certificate::new()),
        Shown::Nothing => None,
    };
    let folder = world.path(case.name);
    fs::create_dir(&folder).unwrap();
    let mut arguments = vec!["--listen".to_owned(), host(number), port.to_string()];
    if let Some(certificate) = certificate {
        certificate.write(&folder);
        arguments.push("--cert".to_owned());
        arguments
            .extend(["cert.pem", "key.pem"].map(|file| folder.join(file).display().to_string()));
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    Peer::python_with("aiosmtpd_peer.py", &arguments, "aiosmtpd")
}

#[test]
fn each_policy_and_each_certificate() {
    let Some(world) = World::new(&zone()) else {
        return;
    };
    let authority = Authority::new();
    fs::write(world.path("roots.pem"), authority.certificate()).unwrap();
    let port = free_port();
    let servers = (0..CASES.len()).map(|number| server(&world, &authority, number, port));
    let Some(mut servers) = servers.collect::<Option<Vec<_>>>() else {
        return;
    };
    let Some(mut https) = policies(&world, &authority) else {
        return;
    };
    let sender = world.sender(&format!(
        "[route]\nto = \"mx\"\nport = {port}\nprivate_addresses = true\n[retry]\nfirst = \"2s\"\n\
         [tls]\nroots = \"{}\"\nmta_sts_port = {}\n",
        world.path("roots.pem").display(),
        https.greeting()["port"]
    ));
    for case in &CASES {
        let to = format!("x@{}.test", case.name);
        let message = format!(
            "From: joe@example.test\r\nTo: {to}\r\nSubject: {}\r\n\r\nhi\r\n",
            case.name
        );
        world.submit_file("joe@example.test", &[&to], message.as_bytes());
    }
    let mut arrived = vec![false; CASES.len()];
    let mut look = |arrived: &mut Vec<bool>| {
        for (server, arrived) in servers.iter_mut().zip(arrived) {
            *arrived |= !server.ask(&json!({}))["messages"]
                .as_array()
                .unwrap()
                .is_empty();
        }
    };
    wait(
        "not all that should arrive did",
        || sender.log(),
        || {
            look(&mut arrived);
            CASES
                .iter()
                .zip(&arrived)
                .all(|(case, &arrived)| arrived || !case.arrives)
        },
    );
    // Those that must not be delivered are tried again meanwhile.
    sleep(Duration::from_secs(4));
    look(&mut arrived);
    for (case, arrived) in CASES.iter().zip(arrived) {
        assert_eq!(arrived, case.arrives, "{}: {}", case.name, sender.log());
    }
    let asked = https.ask(&json!({}));
    assert!(asked["hosts"].as_array().unwrap().len() >= 8, "{asked}");
}
