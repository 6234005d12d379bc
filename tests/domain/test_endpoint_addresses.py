from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation.domain.errors import InvalidField
from annotation.domain.judges.addresses import checked_base_url, refused_address, refused_host


class TestCheckedBaseUrl:
    @pytest.mark.parametrize(
        ("typed", "kept"),
        [
            ("https://api.example.org/v1", "https://api.example.org/v1"),
            (" https://API.Example.org:8443/v1/ ", "https://api.example.org:8443/v1"),
            ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1"),
            ("http://localhost:8000", "http://localhost:8000"),
            ("http://10.1.2.3/v1", "http://10.1.2.3/v1"),
            ("http://192.168.0.9:1234/v1", "http://192.168.0.9:1234/v1"),
            ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
            ("http://[fd12::1]/v1", "http://[fd12::1]/v1"),
        ],
    )
    def test_takes_servers_of_the_world_of_the_network_and_of_this_machine(self, typed, kept):
        assert checked_base_url(typed) == kept

    @pytest.mark.parametrize(
        "typed",
        [
            "",
            "api.example.org/v1",
            "ftp://example.org/v1",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "http://",
            "http:///v1",
            "https://user:s3cret@example.org/v1",
            "https://user@example.org/v1",
            "https://@example.org/v1",
            "https://example.org/v1?key=s3cret",
            "https://example.org/v1?",
            "https://example.org/v1#s3cret",
            "https://example.org:0/v1",
            "https://example.org:99999/v1",
            "https://exa mple.org/v1",
            "https://example.org\\@evil.org/v1",
            "https://example.org/\r\nX: y",
            "https://ex\u00e4mple.org/v1",
            "https://\uff11\uff16\uff19.254.169.254/",
            "https://[::1/v1",
            "https://" + "a" * 500,
        ],
    )
    def test_refuses_what_is_no_plain_address_without_repeating_it(self, typed):
        with pytest.raises(InvalidField) as refusal:
            checked_base_url(typed)

        assert refusal.value.field == "base_url"
        assert "s3cret" not in refusal.value.detail

    @pytest.mark.parametrize(
        "host",
        [
            "169.254.169.254",
            "169.254.170.2",
            "2852039166",
            "0xA9FEA9FE",
            "0xa9.0xfe.0xa9.0xfe",
            "0251.0376.0251.0376",
            "169.254.43518",
            "169.254.169.254.",
            "[fe80::1]",
            "[fe80::1%25eth0]",
            "[::ffff:169.254.169.254]",
            "[64:ff9b::a9fe:a9fe]",
            "[2002:a9fe:a9fe::1]",
            "[::169.254.169.254]",
            "[fd00:ec2::254]",
            "100.100.100.200",
            "168.63.129.16",
            "metadata.google.internal",
            "METADATA.google.internal.",
            "metadata",
            "0.0.0.0",
            "0",
            "[::]",
            "224.0.0.1",
            "255.255.255.255",
            "[ff02::1]",
        ],
    )
    def test_refuses_metadata_and_link_local_hosts_in_every_spelling(self, host):
        with pytest.raises(InvalidField):
            checked_base_url(f"http://{host}/v1")

    @given(st.text(max_size=60))
    def test_either_keeps_an_address_or_refuses_it(self, text):
        try:
            kept = checked_base_url(f"http://{text}")
        except InvalidField:
            return

        assert checked_base_url(kept) == kept


class TestRefusedAddress:
    @given(st.integers(0, 2**16 - 1), st.integers(0, 2**64 - 1))
    def test_knows_every_link_local_address(self, low, wide):
        assert refused_address(ip_address((169 << 24 | 254 << 16) + low))
        assert refused_address(ip_address((0xFE80 << 112) + wide))

    @pytest.mark.parametrize("text", ["127.0.0.1", "10.0.0.1", "172.16.9.9", "::1", "fd00::1"])
    def test_leaves_private_networks_to_those_who_run_models_there(self, text):
        assert refused_address(ip_address(text)) == ""

    def test_looks_up_no_name(self):
        assert refused_host("no-such-host.invalid") == ""
