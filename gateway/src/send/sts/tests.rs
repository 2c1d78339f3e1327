//! Policies of a site on loopback, under zone files.

use std::fs;
use std::path::PathBuf;

use std::time::Duration;

use scop_smtp_proto::policy::mta_sts::Mode;

use super::*;
use crate::http::tests::{Answer, Authority, Site};
use crate::resolve::zone::Zones;
use crate::spool::tests::Place;

const ENFORCE: &str = "version: STSv1\nmode: enforce\nmx: *.example.org\nmax_age: 604800\n";
const NONE: &str = "version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n";
const HOST: &str = "mta-sts.example.org";

/// The record of the domain, if there is one.
fn zone(record: Option<&str>) -> String {
    let record = record.map_or_else(String::new, |record| format!("_mta-sts TXT \"{record}\"\n"));
    let zone = "\
$ORIGIN example.org.
$TTL 60
@ SOA ns hostmaster 1 1 1 1 1
mta-sts A 127.0.0.1
";
    zone.to_owned() + &record
}

struct Stand {
    folder: Place,
    authority: Authority,
    site: Site,
}

impl Stand {
    async fn new(answer: Answer) -> Self {
        let authority = Authority::new();
        let acceptor = authority.acceptor(HOST, 2999);
        Self {
            folder: Place::new(),
            site: Site::start(acceptor, answer).await,
            authority,
        }
    }

    /// As after a restart, with this record in the DNS.
    fn sts(&self, record: Option<&str>) -> Sts {
        self.sts_of(&zone(record), true)
    }

    fn sts_of(&self, zone: &str, private_addresses: bool) -> Sts {
        let path = self.folder.0.join("zone");
        fs::write(&path, zone).unwrap();
        let resolver = Arc::new(Resolver::new(Zones::read(&[path]).unwrap(), None));
        Sts::open(
            &self.policies(),
            resolver,
            self.authority.https(),
            self.site.port,
            private_addresses,
        )
        .unwrap()
    }

    fn policies(&self) -> PathBuf {
        self.folder.0.join("mta-sts")
    }

    /// Writes what was kept `age` seconds ago.
    fn keep(&self, id: &str, age: u64, policy: &str) {
        let fetched = now().0 - age;
        let text =
            format!("scop-mta-sts 1\ndomain example.org\nid {id}\nfetched {fetched}\n\n{policy}");
        fs::create_dir_all(self.policies()).unwrap();
        fs::write(self.policies().join("example.org"), text).unwrap();
    }
}

const RECORD: Option<&str> = Some("v=STSv1; id=1;");

fn mode(applied: &Applied) -> Option<Mode> {
    let policy = applied.policy.as_ref()?;
    assert_eq!(policy.policy().unwrap().mode(), policy.cached.mode);
    Some(policy.cached.mode)
}

fn problem(applied: &Applied) -> Option<ResultType> {
    applied.problem.as_ref().map(|problem| problem.kind)
}

#[tokio::test]
async fn a_policy_is_fetched_once_and_outlives_the_process() {
    let stand = Stand::new(Answer::text(ENFORCE)).await;
    let sts = stand.sts(RECORD);
    // Those who come at the same time wait for the same fetch; letter case makes no domain.
    let (one, other) = tokio::join!(sts.policy("example.org"), sts.policy("Example.ORG"));
    assert_eq!(mode(&one), Some(Mode::Enforce));
    assert_eq!(one, other);
    assert_eq!(one.policy.unwrap().text.as_ref(), ENFORCE.as_bytes());
    let again = stand.sts(RECORD).policy("example.org").await;
    assert_eq!(again, other);
    assert_eq!(
        stand.site.requests(),
        ["GET mta-sts.example.org /.well-known/mta-sts.txt"]
    );
    assert!(lock(&sts.0.busy).is_empty());
    // It holds although the record is gone.
    let gone = stand.sts(None).policy("example.org").await;
    assert_eq!(mode(&gone), Some(Mode::Enforce));
    assert_eq!(stand.site.requests().len(), 1);
}

#[tokio::test]
async fn no_record_no_policy() {
    let stand = Stand::new(Answer::text(ENFORCE)).await;
    for (record, domain) in [
        (None, "example.org"),
        (Some("v=STSv1; id=;"), "example.org"),
        (Some("v=STSv2; id=1;"), "example.org"),
        (RECORD, "[127.0.0.1]"),
        (RECORD, "example.net"),
        (RECORD, "../example.org"),
        (RECORD, ""),
    ] {
        let applied = stand.sts(record).policy(domain).await;
        assert_eq!(applied, Applied::default(), "{domain}");
    }
    assert!(stand.site.requests().is_empty());
}

#[tokio::test]
async fn fetches_that_bring_none() {
    let fetch = ResultType::StsPolicyFetchError;
    let invalid = ResultType::StsPolicyInvalid;
    let with = |change: fn(&mut Answer)| {
        let mut answer = Answer::text(ENFORCE);
        change(&mut answer);
        answer
    };
    for (answer, kind) in [
        (with(|answer| answer.status = 404), fetch),
        (
            with(|answer| {
                answer.status = 302;
                answer.fields = vec![("location", format!("https://{HOST}/"))];
            }),
            fetch,
        ),
        (with(|answer| answer.fields.clear()), fetch),
        (
            with(|answer| answer.fields = vec![("content-type", "text/html".to_owned())]),
            fetch,
        ),
        (Answer::text(""), invalid),
        (Answer::text(ENFORCE.replace("STSv1", "STSv2")), invalid),
        (Answer::text("x: y\n".repeat(20_000)), invalid),
    ] {
        let stand = Stand::new(answer).await;
        let sts = stand.sts(RECORD);
        let applied = sts.policy("example.org").await;
        assert_eq!((mode(&applied), problem(&applied)), (None, Some(kind)));
        // Not again for a while, and that is no failure of its own.
        assert_eq!(sts.policy("example.org").await, Applied::default());
        assert_eq!(stand.site.requests().len(), 1);
        assert_eq!(fs::read_dir(stand.policies()).unwrap().count(), 0);
    }
}

#[tokio::test]
async fn policy_hosts_that_cannot_be_trusted() {
    for (name, year) in [(HOST, 2021), ("example.org", 2999)] {
        let mut stand = Stand::new(Answer::text(ENFORCE)).await;
        let acceptor = stand.authority.acceptor(name, year);
        stand.site = Site::start(acceptor, Answer::text(ENFORCE)).await;
        let applied = stand.sts(RECORD).policy("example.org").await;
        assert_eq!(problem(&applied), Some(ResultType::StsWebPkiInvalid));
        assert_eq!(mode(&applied), None);
        // One that is kept holds on.
        stand.keep("0", 90_000, ENFORCE);
        let applied = stand.sts(RECORD).policy("example.org").await;
        assert_eq!(problem(&applied), Some(ResultType::StsWebPkiInvalid));
        assert_eq!(mode(&applied), Some(Mode::Enforce));
    }
}

#[tokio::test]
async fn hosts_without_addresses() {
    let stand = Stand::new(Answer::text(ENFORCE)).await;
    let without = zone(RECORD).replace("mta-sts A 127.0.0.1\n", "");
    for (zone, private_addresses) in [(without, true), (zone(RECORD), false)] {
        let applied = stand
            .sts_of(&zone, private_addresses)
            .policy("example.org")
            .await;
        assert_eq!(problem(&applied), Some(ResultType::StsPolicyFetchError));
    }
    assert!(stand.site.requests().is_empty());
}

#[tokio::test]
async fn dns_that_fails_takes_nothing_away() {
    let stand = Stand::new(Answer::text(NONE)).await;
    // No zone answers for the domain, and nobody is there to be asked.
    let nowhere = "example.net. 60 A 192.0.2.1\n";
    let applied = stand.sts_of(nowhere, true).policy("example.org").await;
    assert_eq!(applied, Applied::default());
    stand.keep("1", 10, ENFORCE);
    let applied = stand.sts_of(nowhere, true).policy("example.org").await;
    assert_eq!(mode(&applied), Some(Mode::Enforce));
}

#[tokio::test]
async fn a_newer_policy_replaces_the_old_at_once() {
    let stand = Stand::new(Answer::text(NONE)).await;
    stand.keep("0", 10, ENFORCE);
    let applied = stand.sts(RECORD).policy("example.org").await;
    assert_eq!(mode(&applied), Some(Mode::None));
    let applied = stand.sts(RECORD).policy("example.org").await;
    assert_eq!(mode(&applied), Some(Mode::None));
    assert_eq!(stand.site.requests().len(), 1);
}

#[tokio::test]
async fn an_old_policy_is_fetched_again_in_the_background() {
    let mut answer = Answer::text(NONE);
    answer.delay = Duration::from_millis(200);
    let stand = Stand::new(answer).await;
    stand.keep("1", 2 * 86_400, ENFORCE);
    let sts = stand.sts(RECORD);
    for _ in 0..3 {
        let applied = sts.policy("example.org").await;
        assert_eq!(mode(&applied), Some(Mode::Enforce));
    }
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let is_new = mode(&sts.policy("example.org").await) == Some(Mode::None);
        if is_new && lock(&sts.0.refreshing).is_empty() {
            assert_eq!(stand.site.requests().len(), 1);
            return;
        }
    }
    panic!("it was not fetched");
}

#[tokio::test]
async fn an_expired_policy_holds_no_longer() {
    let stand = Stand::new(Answer::text("")).await;
    stand.keep("1", 604_801, ENFORCE);
    let applied = stand.sts(RECORD).policy("example.org").await;
    assert_eq!(mode(&applied), None);
    assert_eq!(problem(&applied), Some(ResultType::StsPolicyInvalid));
}

#[tokio::test]
async fn a_broken_file_is_removed() {
    let good = "scop-mta-sts 1\ndomain example.org\nid 1\nfetched 1\n\n";
    for file in [
        String::new(),
        ENFORCE.to_owned(),
        format!("{good}{}", ENFORCE.replace("enforce", "force")),
        format!("{}{ENFORCE}", good.replace("sts 1", "sts 2")),
        format!("{}{ENFORCE}", good.replace("example.org", "example.net")),
        format!("{}{ENFORCE}", good.replace("id 1", "id")),
        format!("{}{ENFORCE}", good.replace("fetched 1", "fetched -1")),
        format!("{}{ENFORCE}", good.replace("\n\n", "\nmore 1\n\n")),
        format!("{good}{ENFORCE}{}", "x: y\n".repeat(20_000)),
    ] {
        let stand = Stand::new(Answer::text(ENFORCE)).await;
        fs::create_dir(stand.policies()).unwrap();
        let path = stand.policies().join("example.org");
        fs::write(&path, file).unwrap();
        fs::write(stand.policies().join(".new-7"), "").unwrap();
        let sts = stand.sts(None);
        assert_eq!(sts.policy("example.org").await, Applied::default());
        assert_eq!(fs::read_dir(stand.policies()).unwrap().count(), 0);
    }
}

#[test]
fn the_oldest_make_room() {
    let folder = Place::new();
    let store = Store::open_with(&folder.0, 40).unwrap();
    let policy = Policy::parse(ENFORCE.as_bytes()).unwrap();
    let kept = Kept {
        cached: Cached::new(Id::new(b"1").unwrap(), &policy, now()),
        text: ENFORCE.as_bytes().into(),
    };
    for number in 0..41 {
        let domain = format!("d{number}.example.org");
        store.write(&domain, &kept).unwrap();
        store.write(&domain, &kept).unwrap();
        assert_eq!(store.read(&domain).unwrap().as_ref(), Some(&kept));
        let age = Duration::from_secs(1000 - number);
        let file = fs::File::options()
            .append(true)
            .open(folder.0.join(&domain))
            .unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 38);
    for (domain, is_there) in [("d2", false), ("d3", true), ("d40", true)] {
        let read = store.read(&format!("{domain}.example.org")).unwrap();
        assert_eq!(read.is_some(), is_there, "{domain}");
    }
}

/// A disk with a fault is no reason to send without the policy that is on it.
#[tokio::test]
async fn a_policy_that_cannot_be_read_now() {
    let stand = Stand::new(Answer::text(ENFORCE)).await;
    for record in [RECORD, None] {
        let sts = stand.sts(record);
        fs::create_dir_all(stand.policies().join("example.org")).unwrap();
        let applied = sts.policy("example.org").await;
        assert!(applied.unreadable.is_some() && applied.policy.is_none());
    }
    assert!(stand.site.requests().is_empty());
}
